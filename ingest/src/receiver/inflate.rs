//! Content encodings, undone within a limit: what a body inflates to is counted against the memory budget
//! as it grows, so that a small bomb costs no more than an honest body.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::refusal::Refusal;
use crate::wal::Reservation;

/// How much the output grows before limit and budget are asked again.
const STEP_BYTES: usize = 64 * 1024;

/// The largest window that zstd may ask for, as a power of two: 16 MiB, which all but its "ultra" levels
/// respect.
const ZSTD_WINDOW_LOG_MAX: u32 = 24;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Identity,
    /// gzip, of one or several members.
    Gzip,
    /// zlib, or the bare deflate that some senders mean by the name.
    Deflate,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// The encoding that a header names; `None` for one that is not known.
    pub fn parse(name: &str) -> Option<Self> {
        let known = [
            ("identity", Self::Identity),
            ("gzip", Self::Gzip),
            ("x-gzip", Self::Gzip),
            ("deflate", Self::Deflate),
            ("zstd", Self::Zstd),
        ];
        known
            .into_iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(name))
            .map(|(_, compression)| compression)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }
}

/// Undoes `compression`. `held` covers the output afterwards, instead of the input.
pub fn inflate(
    body: Bytes,
    compression: Compression,
    bytes_max: usize,
    held: &mut Reservation,
) -> Result<Bytes, Refusal> {
    let malformed = |_| Refusal::Inflate(compression.as_str());
    // An empty body is an empty request, whatever a proxy says it is compressed with.
    if body.is_empty() {
        return Ok(body);
    }
    let input: &[u8] = &body;
    let inflated = match compression {
        Compression::Identity => return Ok(body),
        Compression::Gzip => read_bounded(MultiGzDecoder::new(input), input.len(), bytes_max, held),
        Compression::Deflate if is_zlib(input) => {
            read_bounded(ZlibDecoder::new(input), input.len(), bytes_max, held)
        }
        Compression::Deflate => read_bounded(DeflateDecoder::new(input), input.len(), bytes_max, held),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(malformed)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(malformed)?;
            read_bounded(decoder, input.len(), bytes_max, held)
        }
    };
    let inflated = match inflated {
        Ok(inflated) => inflated,
        Err(Stop::Malformed(error)) => return Err(malformed(error)),
        Err(Stop::Refused(refusal)) => return Err(refusal),
    };
    drop(body);
    resize(held, inflated.capacity())?;
    Ok(Bytes::from(inflated))
}

enum Stop {
    Malformed(io::Error),
    Refused(Refusal),
}

fn read_bounded(
    mut decoder: impl Read,
    input_bytes: usize,
    bytes_max: usize,
    held: &mut Reservation,
) -> Result<Vec<u8>, Stop> {
    let mut out = Vec::new();
    loop {
        let filled = out.len();
        if filled > bytes_max {
            return Err(Stop::Refused(Refusal::TooLarge(bytes_max)));
        }
        if out.capacity() - filled < STEP_BYTES {
            // Doubling, but no further than one step beyond the limit.
            let wanted = (filled * 2).clamp(
                filled + STEP_BYTES,
                (bytes_max + STEP_BYTES).max(filled + STEP_BYTES),
            );
            resize(held, input_bytes + wanted).map_err(Stop::Refused)?;
            out.reserve_exact(wanted - filled);
        }
        let step = (&mut decoder)
            .take(STEP_BYTES as u64)
            .read_to_end(&mut out)
            .map_err(Stop::Malformed)?;
        if step == 0 {
            return Ok(out);
        }
    }
}

fn resize(held: &mut Reservation, bytes: usize) -> Result<(), Refusal> {
    held.resize(bytes as u64).map_err(|_| Refusal::Overloaded)
}

/// The two bytes with which zlib's format begins.
fn is_zlib(input: &[u8]) -> bool {
    match input {
        [method, flags, ..] => {
            method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)).is_multiple_of(31)
        }
        _ => false,
    }
}
