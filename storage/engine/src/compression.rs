//! Bodies as they travel: HTTP content encodings both ways, and the block format that ClickHouse's own
//! clients ask for with `compress=1` and `decompress=1`.
//!
//! Requests are decoded by readers on the query's own thread, so an inflating body is never larger in
//! memory than one chunk. Responses are encoded chunk by chunk, flushed so that a slow query's first rows
//! are not held back. Brotli, bzip2, xz and snappy are absent: no client we know sends them by itself.

pub(crate) mod block;

use std::io::{self, Read, Write};

use flate2::Compression;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Lz4,
    Zstd,
    /// ClickHouse's checksummed blocks.
    Blocks,
}

/// Fast settings: the reader is on the same machine.
const GZIP_LEVEL: u32 = 3;
const ZSTD_LEVEL: i32 = 1;

impl Encoding {
    /// Reads a `Content-Encoding` value; `None` when it is one we do not know.
    pub(crate) fn from_content_encoding(value: &str) -> Option<Self> {
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "lz4" => Some(Self::Lz4),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Picks an encoding from an `Accept-Encoding` value, cheapest first.
    pub(crate) fn from_accept_encoding(value: &str) -> Self {
        let accepted: Vec<&str> = value
            .split(',')
            .filter_map(|item| {
                let (name, quality) = item.split_once(';').unwrap_or((item, ""));
                let refused = matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
                (!refused).then_some(name.trim())
            })
            .collect();
        [
            ("zstd", Self::Zstd),
            ("lz4", Self::Lz4),
            ("gzip", Self::Gzip),
            ("deflate", Self::Deflate),
        ]
        .into_iter()
        .find(|(name, _)| accepted.iter().any(|item| item.eq_ignore_ascii_case(name)))
        .map_or(Self::Identity, |(_, encoding)| encoding)
    }

    /// The `Content-Encoding` header, if the encoding is one of HTTP's.
    pub(crate) fn header(self) -> Option<&'static str> {
        match self {
            Self::Identity | Self::Blocks => None,
            Self::Gzip => Some("gzip"),
            Self::Deflate => Some("deflate"),
            Self::Lz4 => Some("lz4"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// Decodes a request body.
pub(crate) fn decoder<R: Read + Send + 'static>(
    encoding: Encoding,
    body: R,
) -> io::Result<Box<dyn Read + Send>> {
    Ok(match encoding {
        Encoding::Identity => Box::new(body),
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(body)),
        Encoding::Deflate => Box::new(flate2::read::ZlibDecoder::new(body)),
        Encoding::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(body)),
        Encoding::Zstd => Box::new(zstd::stream::read::Decoder::new(body)?),
        Encoding::Blocks => Box::new(block::BlockReader::new(body)),
    })
}

/// Encodes a response body, one chunk at a time.
pub(crate) enum Encoder {
    Identity,
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Deflate(flate2::write::ZlibEncoder<Vec<u8>>),
    Lz4(Box<lz4_flex::frame::FrameEncoder<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Blocks,
}

impl Encoder {
    pub(crate) fn new(encoding: Encoding) -> io::Result<Self> {
        Ok(match encoding {
            Encoding::Identity => Self::Identity,
            Encoding::Gzip => Self::Gzip(flate2::write::GzEncoder::new(
                Vec::new(),
                Compression::new(GZIP_LEVEL),
            )),
            Encoding::Deflate => Self::Deflate(flate2::write::ZlibEncoder::new(
                Vec::new(),
                Compression::new(GZIP_LEVEL),
            )),
            Encoding::Lz4 => Self::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(Vec::new()))),
            Encoding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?),
            Encoding::Blocks => Self::Blocks,
        })
    }

    /// Encodes a chunk and returns all that it became.
    pub(crate) fn encode(&mut self, chunk: Vec<u8>) -> io::Result<Vec<u8>> {
        fn through<W: Write>(
            writer: &mut W,
            chunk: &[u8],
            output: impl FnOnce(&mut W) -> &mut Vec<u8>,
        ) -> io::Result<Vec<u8>> {
            writer.write_all(chunk)?;
            writer.flush()?;
            Ok(std::mem::take(output(writer)))
        }
        match self {
            Self::Identity => Ok(chunk),
            Self::Gzip(writer) => through(writer, &chunk, |writer| writer.get_mut()),
            Self::Deflate(writer) => through(writer, &chunk, |writer| writer.get_mut()),
            Self::Lz4(writer) => through(writer.as_mut(), &chunk, |writer| writer.get_mut()),
            Self::Zstd(writer) => through(writer, &chunk, |writer| writer.get_mut()),
            Self::Blocks => Ok(block::encode(&chunk)),
        }
    }

    /// Ends the body.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity | Self::Blocks => Ok(Vec::new()),
            Self::Gzip(writer) => writer.finish(),
            Self::Deflate(writer) => writer.finish(),
            Self::Lz4(writer) => writer.finish().map_err(io::Error::other),
            Self::Zstd(writer) => writer.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_back_what_went_in() {
        let data: Vec<u8> = (0..300_000_u32)
            .flat_map(|number| (number % 977).to_le_bytes())
            .collect();
        for encoding in [
            Encoding::Identity,
            Encoding::Gzip,
            Encoding::Deflate,
            Encoding::Lz4,
            Encoding::Zstd,
            Encoding::Blocks,
        ] {
            let mut encoder = Encoder::new(encoding).unwrap();
            let mut wire = Vec::new();
            for chunk in data.chunks(70_001) {
                wire.extend(encoder.encode(chunk.to_vec()).unwrap());
            }
            wire.extend(encoder.finish().unwrap());
            let mut back = Vec::new();
            decoder(encoding, io::Cursor::new(wire))
                .unwrap()
                .read_to_end(&mut back)
                .unwrap();
            assert!(back == data, "{encoding:?}");
        }
    }

    #[test]
    fn accept_encoding_is_read_with_its_qualities() {
        assert_eq!(
            Encoding::from_accept_encoding("gzip, deflate, br"),
            Encoding::Gzip
        );
        assert_eq!(Encoding::from_accept_encoding("zstd;q=0, LZ4"), Encoding::Lz4);
        assert_eq!(Encoding::from_accept_encoding("br"), Encoding::Identity);
        assert_eq!(Encoding::from_content_encoding("br"), None);
    }
}
