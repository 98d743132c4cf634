//! Content encodings, within the limits of a body and of the memory budget. The libraries themselves are the
//! second opinion: what is accepted inflates to what they say.

use std::io::Read;

use brokle_ingest::receiver::inflate::{Compression, inflate};
use brokle_ingest::wal::MemoryBudget;
use bytes::Bytes;

/// The largest body.
pub const BODY_BYTES_MAX: usize = 1 << 20;
const BUDGET_BYTES: u64 = 3 << 20;

/// Takes any bytes; the first chooses the encoding.
pub fn run(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else {
        return;
    };
    let name = ["gzip", "deflate", "zstd", "identity"][usize::from(choice % 4)];
    let compression = Compression::parse(name).unwrap();
    let budget = MemoryBudget::new(BUDGET_BYTES);
    let mut held = budget.reserve(body.len() as u64).unwrap();
    let Ok(inflated) = inflate(
        Bytes::copy_from_slice(body),
        compression,
        BODY_BYTES_MAX,
        &mut held,
    ) else {
        return;
    };
    assert!(name == "identity" || inflated.len() <= BODY_BYTES_MAX);
    assert!(
        held.bytes() >= inflated.len() as u64,
        "more is held than is accounted for"
    );
    assert_eq!(inflated, expected(name, body), "{name}");
}

fn expected(name: &str, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if body.is_empty() {
        return out;
    }
    let read = match name {
        "gzip" => flate2::read::MultiGzDecoder::new(body).read_to_end(&mut out),
        "deflate" if is_zlib(body) => flate2::read::ZlibDecoder::new(body).read_to_end(&mut out),
        "deflate" => flate2::read::DeflateDecoder::new(body).read_to_end(&mut out),
        "zstd" => zstd::stream::read::Decoder::new(body)
            .unwrap()
            .read_to_end(&mut out),
        _ => return body.to_vec(),
    };
    read.expect("what is accepted can be inflated");
    out
}

/// What reads as zlib's format is meant as that.
fn is_zlib(body: &[u8]) -> bool {
    flate2::read::ZlibDecoder::new(body)
        .read_to_end(&mut Vec::new())
        .is_ok()
}
