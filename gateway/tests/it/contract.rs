//! The contract of streams as a table: each of its points against a provider of each of the six formats, as far as the
//! point applies to it. What a point means is in `contract/points.rs`; `stream.rs` has more of the same for one format.

use std::fmt::Write as _;

use futures_util::future::join_all;

mod goaway;
mod points;

/// The formats that a provider may speak.
pub(crate) const DIALECTS: [&str; 6] = ["openai", "responses", "anthropic", "gemini", "cohere", "bedrock"];

/// What a cell of the table says: nothing where the point does not apply.
pub(crate) type Verdict = Option<Result<(), String>>;

const POINTS: [&str; 25] = [
    "usage is asked for, and hidden from those who did not ask",
    "usage comes last, alone, to those who asked",
    "usage is found wherever the provider puts it",
    "frames survive every cut and every way of ending lines",
    "comments are not parsed, and ours keep the caller awake",
    "the end mark comes once, or an error in its place",
    "one id and model, the role first, the reason last",
    "parallel tool calls come whole, by steady numbers",
    "a caller of Messages gets well-formed blocks",
    "thinking comes with what it needs to be taken back",
    "an error before the first byte is another attempt's",
    "an error after content is the last word, and recorded",
    "a caller that hangs up ends the provider's work",
    "first token, idle and total are three limits",
    "each frame is flushed as it comes",
    "a slow caller slows the provider down",
    "nothing is repeated once a byte was sent",
    "a kept answer is replayed; a broken one is not kept",
    "several choices are relayed, or refused",
    "fields beside the text are passed on, or refused",
    "a provider that refuses stream_options is remembered",
    "a caller of Responses gets numbered events and a terminal one",
    "a frame of megabytes passes",
    "a connection that is shut or reset in the middle is an error",
    "a compressed stream is decompressed",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stream_contract() {
    let mut table = String::from("point");
    for dialect in DIALECTS {
        let _ = write!(table, "{dialect:>11}");
    }
    let (mut held, mut broken) = (0, Vec::new());
    for (number, title) in (1..).zip(POINTS) {
        let cells = join_all(DIALECTS.map(|dialect| points::check(number, dialect))).await;
        let _ = write!(table, "\n{number:>5}");
        for (dialect, cell) in DIALECTS.iter().zip(cells) {
            let word = match cell {
                None => "-",
                Some(Ok(())) => {
                    held += 1;
                    "held"
                }
                Some(Err(reason)) => {
                    broken.push(format!("point {number} ({title}), {dialect}: {reason}"));
                    "BROKEN"
                }
            };
            let _ = write!(table, "{word:>11}");
        }
        let _ = write!(table, "  {title}");
    }
    println!("{table}\n{held} cells hold, {} are broken", broken.len());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(held, 145, "cells that hold");
}
