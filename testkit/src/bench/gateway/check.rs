//! What an answer must be. A whole one says what the provider said; a stream brings every piece, once and in order,
//! then the reason of its end and the end mark. Written so that other spacing and other fields do not matter.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::mock::{PIECES, SAID};
use super::nanoseconds;

/// How much of a stream's end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Nothing,
    Reason,
    Mark,
}

/// An answer, being read.
#[derive(Debug)]
pub struct Answer {
    is_stream: bool,
    /// What was read and not understood yet.
    rest: Vec<u8>,
    pieces: usize,
    last: Option<u64>,
    end: End,
    is_disordered: bool,
    last_at: Option<Instant>,
    /// When the first piece came.
    pub first_at: Option<Instant>,
    /// The longest time between two pieces.
    pub gap: Duration,
    /// How long each later piece was on its way, in seconds; when the provider says when it left.
    pub ways: Vec<f64>,
}

impl Answer {
    /// Nothing is read yet.
    pub fn new(is_stream: bool) -> Self {
        Self {
            is_stream,
            rest: Vec::new(),
            pieces: 0,
            last: None,
            end: End::Nothing,
            is_disordered: false,
            last_at: None,
            first_at: None,
            gap: Duration::ZERO,
            ways: Vec::new(),
        }
    }

    /// Some more came.
    pub fn read(&mut self, bytes: &[u8], now: Instant) {
        if !self.is_stream {
            self.rest.extend_from_slice(bytes);
            return;
        }
        let Some(end) = memchr::memrchr(b'\n', bytes) else {
            self.rest.extend_from_slice(bytes);
            return;
        };
        let (whole, begun) = bytes.split_at(end + 1);
        let mut rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            whole
                .split(|&byte| byte == b'\n')
                .for_each(|line| self.line(line, now));
        } else {
            rest.extend_from_slice(whole);
            rest.split(|&byte| byte == b'\n')
                .for_each(|line| self.line(line, now));
            rest.clear();
        }
        rest.extend_from_slice(begun);
        self.rest = rest;
    }

    fn line(&mut self, line: &[u8], now: Instant) {
        let Some(data) = line.strip_prefix(b"data:") else {
            return;
        };
        if data.trim_ascii() == b"[DONE]" {
            self.is_disordered |= self.end != End::Reason;
            self.end = End::Mark;
        } else if let Some(number) = piece(data) {
            self.piece(number, now);
        } else if memchr::memmem::find(data, b"\"stop\"").is_some() {
            self.is_disordered |= self.end != End::Nothing;
            self.end = End::Reason;
        }
    }

    fn piece(&mut self, number: u64, now: Instant) {
        self.is_disordered |= self.last.is_some_and(|last| number <= last) || self.end != End::Nothing;
        self.last = Some(number);
        self.pieces += 1;
        if let Some(last_at) = self.last_at {
            self.gap = self.gap.max(now.saturating_duration_since(last_at));
            // Smaller numbers are places in the stream.
            if number > 1_000_000 {
                self.ways.push(nanoseconds().saturating_sub(number) as f64 / 1e9);
            }
        }
        self.first_at.get_or_insert(now);
        self.last_at = Some(now);
    }

    /// The answer is over.
    pub fn verify(&self) -> Result<()> {
        if !self.is_stream {
            let says = memchr::memmem::find(&self.rest, SAID.as_bytes()).is_some();
            ensure!(
                says,
                "another answer than the provider's: {}",
                String::from_utf8_lossy(&self.rest)
            );
            return Ok(());
        }
        ensure!(self.pieces == PIECES, "{} of {PIECES} pieces came", self.pieces);
        ensure!(
            self.end == End::Mark,
            "the end of the stream did not come: {:?}",
            self.end
        );
        ensure!(
            !self.is_disordered,
            "events came out of order, or one did not come"
        );
        Ok(())
    }
}

/// The number that an event's text is.
fn piece(data: &[u8]) -> Option<u64> {
    let field = b"\"content\":";
    let at = memchr::memmem::find(data, field)? + field.len();
    let text = data[at..].trim_ascii_start().strip_prefix(b"\"")?;
    let digits = text
        .get(..16)
        .filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> String {
        let pieces = (1..=PIECES).map(|number| {
            format!("data: {{\"choices\":[{{\"delta\":{{\"content\": \"{number:016}\"}}}}]}}\n\n")
        });
        let mut stream: String = pieces.collect();
        stream.push_str("data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
        stream
    }

    fn verified(stream: &str, cut: usize) -> Result<()> {
        let mut answer = Answer::new(true);
        answer.read(&stream.as_bytes()[..cut], Instant::now());
        answer.read(&stream.as_bytes()[cut..], Instant::now());
        answer.verify()
    }

    #[test]
    fn a_stream_is_good_wherever_reads_cut_it_and_bad_when_anything_is_missing() {
        let whole = stream();
        for cut in 0..whole.len() {
            verified(&whole, cut).unwrap();
        }
        for missing in 0..whole.split("\n\n").count() - 1 {
            let mut events: Vec<_> = whole.split("\n\n").collect();
            events.remove(missing);
            assert!(verified(&events.join("\n\n"), 0).is_err(), "{missing}");
        }
        let turned = whole.replacen("0000000000000003", "0000000000000009", 1);
        assert!(verified(&turned, 0).is_err());
    }
}
