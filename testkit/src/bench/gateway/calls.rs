//! What is asked: three bodies, as requests made ahead. Each request differs from every other in a number within its
//! prompt, so that no answer can come from a cache.

use super::peer::Peer;
use crate::bench::payload::prose;

const NUMBER_DIGITS: usize = 12;
const MARK: &str = "000000000000";

/// Which body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A body of 1 KB.
    Small,
    /// A body of 50 KB: some turns of a conversation.
    Large,
    /// A body of 1 KB, to be answered by a stream.
    Stream,
}

/// A request, but for its number.
#[derive(Debug, Clone)]
pub struct Call {
    bytes: Vec<u8>,
    number_at: usize,
    /// Its answer is a stream.
    pub is_stream: bool,
}

impl Call {
    /// The request of this shape to a gateway.
    pub fn new(shape: Shape, peer: &Peer) -> Self {
        let body = body(shape, &peer.model);
        let mut head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: */*\r\nuser-agent: bench/1\r\ncontent-length: {}\r\n",
            peer.path,
            peer.address,
            body.len()
        );
        for (name, value) in &peer.headers {
            head = head + name + ": " + value + "\r\n";
        }
        head.push_str("\r\n");
        let in_body = body.find(MARK).unwrap_or_default();
        Self {
            number_at: head.len() + in_body,
            bytes: (head + &body).into_bytes(),
            is_stream: shape == Shape::Stream,
        }
    }

    /// A copy for one sender.
    pub fn buffer(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// Gives a copy its number.
    pub fn number(&self, buffer: &mut [u8], number: u64) {
        let digits = format!("{:0width$}", number % 1_000_000_000_000, width = NUMBER_DIGITS);
        buffer[self.number_at..self.number_at + NUMBER_DIGITS].copy_from_slice(digits.as_bytes());
    }
}

fn body(shape: Shape, model: &str) -> String {
    let (turns, bytes) = match shape {
        Shape::Small | Shape::Stream => (1, 750),
        Shape::Large => (9, 5_500),
    };
    let words = prose(turns * bytes);
    let words: Vec<&str> = words.split_whitespace().collect();
    let messages: Vec<String> = words
        .chunks(words.len().div_ceil(turns))
        .zip(["user", "assistant"].into_iter().cycle())
        .map(|(words, role)| {
            // Lines, as prompts have them, so that there is something to unescape.
            let lines: Vec<String> = words.chunks(12).map(|line| line.join(" ")).collect();
            format!(r#"{{"role":"{role}","content":"{}"}}"#, lines.join(".\\n"))
        })
        .collect();
    let stream = match shape {
        Shape::Stream => r#","stream":true,"stream_options":{"include_usage":true}"#,
        Shape::Small | Shape::Large => "",
    };
    format!(
        r#"{{"model":"{model}","messages":[{{"role":"system","content":"You answer question {MARK} briefly."}},{}],"temperature":0.2,"max_tokens":64{stream}}}"#,
        messages.join(",")
    )
}
