//! AWS's binary event stream: messages with a length, headers, a payload, and two checksums. A message is cut out
//! of the bytes and checked here, whatever pieces they came in; what it says is `dialect/bedrock/stream.rs`'s.
//! Deliberately absent: headers that are not text, which no event of Bedrock's has, and signed messages, which only
//! requests have.
//! Facts: docs.aws.amazon.com, "Amazon Transcribe: Event stream encoding", and botocore's service model.

use bytes::{Buf, Bytes, BytesMut};

/// Total length, length of the headers, and the checksum of both.
const PRELUDE_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 4;
/// Of the headers of one message, by the format's definition.
const HEADER_BYTES_MAX: usize = 128 << 10;

/// Why bytes are no event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A length or a checksum is wrong: nothing after it can be trusted.
    Corrupt,
    /// A message exceeds the bound.
    TooLarge,
}

/// Cuts a stream of bytes into messages.
#[derive(Debug)]
pub(crate) struct Splitter {
    buffer: BytesMut,
    bytes_max: usize,
}

impl Splitter {
    /// A splitter for messages of at most `bytes_max`.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            bytes_max,
        }
    }

    /// Adds what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, its checksums verified; nothing while it is incomplete.
    pub(crate) fn next_message(&mut self) -> Result<Option<Bytes>, Broken> {
        let Some(prelude) = self.buffer.get(..PRELUDE_BYTES) else {
            return Ok(None);
        };
        if crc32fast::hash(&prelude[..8]) != number(&prelude[8..]) {
            return Err(Broken::Corrupt);
        }
        let (total, headers) = (length(&prelude[..4]), length(&prelude[4..8]));
        if headers > HEADER_BYTES_MAX || total < PRELUDE_BYTES + headers + CHECKSUM_BYTES {
            return Err(Broken::Corrupt);
        }
        if total > self.bytes_max {
            return Err(Broken::TooLarge);
        }
        if self.buffer.len() < total {
            return Ok(None);
        }
        let message = self.buffer.split_to(total).freeze();
        let (content, checksum) = message.split_at(total - CHECKSUM_BYTES);
        if crc32fast::hash(content) != number(checksum) {
            return Err(Broken::Corrupt);
        }
        Ok(Some(message))
    }

    /// Whether a message has begun and not ended.
    pub(crate) fn has_remainder(&self) -> bool {
        !self.buffer.is_empty()
    }
}

/// What a message says, of one that [`Splitter`] gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// `:message-type`: `event`, `exception` or `error`.
    pub(crate) kind: &'a str,
    /// `:event-type`, `:exception-type` or `:error-code`.
    pub(crate) name: &'a str,
    /// `:error-message`, of an error.
    pub(crate) error: &'a str,
    pub(crate) payload: &'a [u8],
}

/// Reads a message; nothing when its headers are not what they should be.
pub(crate) fn parse(message: &[u8]) -> Option<Message<'_>> {
    let headers_end = PRELUDE_BYTES + length(message.get(4..8)?);
    let mut headers = message.get(PRELUDE_BYTES..headers_end)?;
    let payload = message.get(headers_end..message.len().checked_sub(CHECKSUM_BYTES)?)?;
    let mut read = Message {
        kind: "",
        name: "",
        error: "",
        payload,
    };
    while !headers.is_empty() {
        let name_length = usize::from(headers.try_get_u8().ok()?);
        let name = take(&mut headers, name_length)?;
        let kind = headers.try_get_u8().ok()?;
        let value_length = match kind {
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            6 | 7 => usize::from(headers.try_get_u16().ok()?),
            9 => 16,
            _ => return None,
        };
        let value = take(&mut headers, value_length)?;
        if kind == 7 {
            let value = std::str::from_utf8(value).ok()?;
            match name {
                b":message-type" => read.kind = value,
                b":event-type" | b":exception-type" | b":error-code" => read.name = value,
                b":error-message" => read.error = value,
                _ => {}
            }
        }
    }
    Some(read)
}

fn take<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(taken)
}

fn number(bytes: &[u8]) -> u32 {
    bytes
        .try_into()
        .map_or(0, |four: [u8; 4]| u32::from_be_bytes(four))
}

fn length(bytes: &[u8]) -> usize {
    usize::try_from(number(bytes)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
