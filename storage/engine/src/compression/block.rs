//! ClickHouse's compressed blocks: a `CityHash128` (v1.0.2) checksum, then a method byte, the block's length
//! with that header, the plain length, and the data.

use std::io::{self, Read};

use cityhash_rs::cityhash_102_128;

const CHECKSUM_BYTES: usize = 16;
const HEADER_BYTES: usize = 9;
const METHOD_NONE: u8 = 0x02;
const METHOD_LZ4: u8 = 0x82;
const METHOD_ZSTD: u8 = 0x90;

/// The largest plain block written; clients read blocks of a megabyte from servers.
const WRITE_MAX_BYTES: usize = 1024 * 1024;

/// The largest block accepted, either way: eight times what a client buffers by default.
const READ_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Encodes `plain` as LZ4 blocks.
pub(crate) fn encode(plain: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(plain.len() / 2 + CHECKSUM_BYTES + HEADER_BYTES);
    for chunk in plain.chunks(WRITE_MAX_BYTES) {
        let data = lz4_flex::block::compress(chunk);
        let start = encoded.len() + CHECKSUM_BYTES;
        encoded.resize(start, 0);
        encoded.push(METHOD_LZ4);
        encoded.extend(length(data.len() + HEADER_BYTES).to_le_bytes());
        encoded.extend(length(chunk.len()).to_le_bytes());
        encoded.extend(data);
        let checksum = checksum(&encoded[start..]);
        encoded[start - CHECKSUM_BYTES..start].copy_from_slice(&checksum);
    }
    encoded
}

/// Block lengths fit: chunks are a megabyte.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The checksum's halves travel high half first, each little-endian.
fn checksum(block: &[u8]) -> [u8; CHECKSUM_BYTES] {
    cityhash_102_128(block).rotate_right(64).to_le_bytes()
}

/// Reads blocks and gives out their plain bytes.
pub(crate) struct BlockReader<R> {
    inner: R,
    plain: Vec<u8>,
    at: usize,
}

impl<R: Read> BlockReader<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            plain: Vec::new(),
            at: 0,
        }
    }

    /// Reads the next block; false at the end of the body.
    fn next_block(&mut self) -> io::Result<bool> {
        let mut head = [0_u8; CHECKSUM_BYTES + HEADER_BYTES];
        let first = self.inner.read(&mut head[..1])?;
        if first == 0 {
            return Ok(false);
        }
        self.inner.read_exact(&mut head[1..])?;
        let (sum, header) = head.split_at(CHECKSUM_BYTES);
        let total = number(&header[1..5]);
        let plain = number(&header[5..9]);
        if !(HEADER_BYTES..=READ_MAX_BYTES).contains(&total) || plain > READ_MAX_BYTES {
            return Err(invalid("a compressed block has an impossible length"));
        }
        let mut block = header.to_vec();
        block.resize(total, 0);
        self.inner.read_exact(&mut block[HEADER_BYTES..])?;
        if checksum(&block) != *sum {
            return Err(invalid("checksum of a compressed block doesn't match"));
        }
        self.plain = decompress(header[0], &block[HEADER_BYTES..], plain)?;
        self.at = 0;
        Ok(true)
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
}

fn decompress(method: u8, data: &[u8], plain: usize) -> io::Result<Vec<u8>> {
    let decompressed = match method {
        METHOD_NONE => data.to_vec(),
        METHOD_LZ4 => {
            lz4_flex::block::decompress(data, plain).map_err(|error| invalid(&error.to_string()))?
        }
        METHOD_ZSTD => zstd::bulk::decompress(data, plain)?,
        _ => return Err(invalid("a compressed block has an unknown method")),
    };
    if decompressed.len() == plain {
        Ok(decompressed)
    } else {
        Err(invalid("a compressed block has a wrong length"))
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}

impl<R: Read> Read for BlockReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.plain.len() - self.at);
        buffer[..count].copy_from_slice(&self.plain[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_noticed() {
        let mut wire = encode(b"some rows that someone will miss");
        *wire.last_mut().unwrap() ^= 1;
        let error = BlockReader::new(wire.as_slice())
            .read_to_end(&mut Vec::new())
            .unwrap_err();
        assert!(error.to_string().contains("checksum"), "{error}");
    }

    #[test]
    fn a_cut_block_is_no_end() {
        let wire = encode(b"some rows");
        for cut in 1..wire.len() {
            assert!(
                BlockReader::new(&wire[..cut])
                    .read_to_end(&mut Vec::new())
                    .is_err(),
                "{cut}"
            );
        }
    }
}
