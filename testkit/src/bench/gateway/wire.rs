//! One HTTP/1.1 connection: a write and a few reads for a call and nothing else, so that the generator costs little
//! beside what it measures.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

const TIMEOUT: Duration = Duration::from_secs(20);
const HEAD_BYTES_MAX: usize = 32 << 10;
const READ_BYTES: usize = 16 << 10;

/// A connection, and what was read of it ahead.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
    head: Vec<u8>,
}

/// How long a body is.
enum Framing {
    Length(usize),
    Chunked,
}

impl Connection {
    /// Connects, with `TCP_NODELAY`.
    pub fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self {
            stream,
            buffer: vec![0; READ_BYTES].into(),
            head: Vec::with_capacity(2_048),
        })
    }

    /// Sends a request and hands on the answer's body as it comes. Returns whether the connection stays open.
    pub fn exchange(&mut self, request: &[u8], mut take: impl FnMut(&[u8], Instant)) -> Result<bool> {
        self.stream.write_all(request)?;
        let (head_end, mut now) = self.read_head()?;
        let text = String::from_utf8_lossy(&self.head[..head_end]).to_ascii_lowercase();
        let mut rest = self.head.split_off(head_end);
        ensure!(text.starts_with("http/1.1 200"), "{}", refusal(&text, &rest));
        match framing(&text)? {
            Framing::Length(length) => {
                let mut missing = length;
                loop {
                    ensure!(rest.len() <= missing, "the answer is longer than it says");
                    missing -= rest.len();
                    take(&rest, now);
                    if missing == 0 {
                        break;
                    }
                    rest.clear();
                    now = self.read_into(&mut rest)?;
                }
            }
            Framing::Chunked => {
                let mut chunks = Chunks::default();
                let mut content = Vec::new();
                loop {
                    content.clear();
                    let is_over = chunks.read(&rest, &mut content)?;
                    if !content.is_empty() {
                        take(&content, now);
                    }
                    if is_over {
                        break;
                    }
                    rest.clear();
                    now = self.read_into(&mut rest)?;
                }
            }
        }
        Ok(!text.contains("\r\nconnection: close"))
    }

    fn read_head(&mut self) -> Result<(usize, Instant)> {
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        loop {
            let now = self.read_into(&mut head)?;
            if let Some(end) = memchr::memmem::find(&head, b"\r\n\r\n") {
                self.head = head;
                return Ok((end + 4, now));
            }
            ensure!(head.len() < HEAD_BYTES_MAX, "the answer's head has no end");
        }
    }

    fn read_into(&mut self, into: &mut Vec<u8>) -> Result<Instant> {
        let read = self.stream.read(&mut self.buffer)?;
        ensure!(read > 0, "the connection was closed within an answer");
        into.extend_from_slice(&self.buffer[..read]);
        Ok(Instant::now())
    }
}

fn refusal(head: &str, rest: &[u8]) -> String {
    let line = head.lines().next().unwrap_or_default();
    let said: String = String::from_utf8_lossy(rest).chars().take(160).collect();
    format!("{line}: {said}")
}

fn framing(head: &str) -> Result<Framing> {
    let value = |name: &str| head.split("\r\n").find_map(|line| line.strip_prefix(name));
    if value("transfer-encoding:").is_some_and(|value| value.contains("chunked")) {
        return Ok(Framing::Chunked);
    }
    let length = value("content-length:").context("an answer whose length is not told")?;
    Ok(Framing::Length(length.trim().parse()?))
}

/// Takes chunked bodies apart.
#[derive(Default)]
struct Chunks {
    /// Bytes of the current chunk that are still to come, its line end included.
    left: usize,
    line: Vec<u8>,
    is_last: bool,
}

const LINE_END_BYTES: usize = 2;

impl Chunks {
    /// Appends what is content; returns whether the body is over.
    fn read(&mut self, mut bytes: &[u8], content: &mut Vec<u8>) -> Result<bool> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let taken = self.left.min(bytes.len());
                let of_content = taken.min(self.left.saturating_sub(LINE_END_BYTES));
                content.extend_from_slice(&bytes[..of_content]);
                self.left -= taken;
                bytes = &bytes[taken..];
                continue;
            }
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end..];
            ensure!(self.line.len() < 256, "a chunk's head has no end");
            if self.line.last() != Some(&b'\n') {
                continue;
            }
            let line = std::str::from_utf8(&self.line)?.trim().to_owned();
            self.line.clear();
            if self.is_last {
                if line.is_empty() {
                    ensure!(bytes.is_empty(), "bytes after the end of an answer");
                    return Ok(true);
                }
                continue;
            }
            let digits = line.split(';').next().unwrap_or_default();
            let Ok(size) = usize::from_str_radix(digits, 16) else {
                bail!("`{line}` is no size of a chunk");
            };
            self.is_last = size == 0;
            self.left = if size == 0 { 0 } else { size + LINE_END_BYTES };
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunked_bodies_are_the_same_wherever_reads_cut_them() {
        let wire = b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nt: x\r\n\r\n";
        for cut in 0..wire.len() {
            let (mut chunks, mut content) = (Chunks::default(), Vec::new());
            assert!(!chunks.read(&wire[..cut], &mut content).unwrap());
            assert!(chunks.read(&wire[cut..], &mut content).unwrap());
            assert_eq!(content, b"hello, world", "cut at {cut}");
        }
    }
}
