//! Server-sent events as bytes. The splitter finds where a frame ends, whatever the line ends and however
//! the bytes were cut by the network; the frame is then forwarded as it came. Nothing is decoded here, so a
//! UTF-8 character split between two reads needs no care. Reconnection (`id:`, `retry:`) is the client's
//! business and passes through.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};

/// The frame that ends an `OpenAI` stream.
pub(crate) const DONE: &[u8] = b"data: [DONE]\n\n";
/// A comment that keeps idle connections open.
pub(crate) const KEEPALIVE: &[u8] = b": keepalive\n\n";

/// A frame exceeded the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameTooLarge;

/// Cuts a stream of bytes into frames, each including the blank line that ends it.
#[derive(Debug)]
pub struct Splitter {
    buffer: BytesMut,
    scanned: usize,
    line_start: usize,
    bytes_max: usize,
}

impl Splitter {
    /// A splitter for frames of at most `bytes_max`.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            scanned: 0,
            line_start: 0,
            bytes_max,
        }
    }

    /// Adds what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameTooLarge> {
        while let Some(offset) = memchr::memchr2(b'\n', b'\r', &self.buffer[self.scanned..]) {
            let at = self.scanned + offset;
            let end = match (self.buffer[at], self.buffer.get(at + 1)) {
                (b'\n', _) => at + 1,
                (_, Some(b'\n')) => at + 2,
                (_, Some(_)) => at + 1,
                // A lone CR ends a line too, but only the next byte tells whether it is alone.
                (_, None) => {
                    self.scanned = at;
                    return self.bounded();
                }
            };
            let blank = at == self.line_start;
            self.scanned = end;
            self.line_start = end;
            if blank {
                return Ok(Some(self.take(end)));
            }
        }
        self.scanned = self.buffer.len();
        self.bounded()
    }

    /// What is left when the stream has ended: a last frame whose blank line never came, or nothing.
    pub fn remainder(&mut self) -> Option<Bytes> {
        let rest = self.take(self.buffer.len());
        (!rest.trim_ascii().is_empty()).then_some(rest)
    }

    fn take(&mut self, end: usize) -> Bytes {
        self.scanned = 0;
        self.line_start = 0;
        self.buffer.split_to(end).freeze()
    }

    fn bounded(&self) -> Result<Option<Bytes>, FrameTooLarge> {
        if self.buffer.len() > self.bytes_max {
            Err(FrameTooLarge)
        } else {
            Ok(None)
        }
    }
}

/// What a frame says.
#[derive(Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event:` field.
    pub name: Option<&'a [u8]>,
    /// The `data:` lines, joined by line feeds. `None` for a comment.
    pub data: Option<Cow<'a, [u8]>>,
}

/// Reads a frame's fields.
pub fn parse(frame: &[u8]) -> Event<'_> {
    let mut event = Event {
        name: None,
        data: None,
    };
    let frame = frame.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(frame);
    for line in frame.split(|&byte| byte == b'\n' || byte == b'\r') {
        if let Some(value) = field(line, b"data") {
            event.data = Some(match event.data.take() {
                None => Cow::Borrowed(value),
                Some(before) => {
                    let mut joined = before.into_owned();
                    joined.push(b'\n');
                    joined.extend_from_slice(value);
                    Cow::Owned(joined)
                }
            });
        } else if let Some(value) = field(line, b"event") {
            event.name = Some(value);
        }
    }
    event
}

/// The value of `name` when the line has it; one space after the colon is not part of it.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(rest);
    }
    let value = rest.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests;
