//! An answer as the frames of a stream, and what each behaviour does to them.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Behaviour;
use super::answer::Answer;
use super::speech::{Event, Speech, bedrock};

/// Frames before a misbehaviour in the middle of an answer: the startup frame and a few more.
const MIDDLE: usize = 4;
const FIREHOSE_BYTES: usize = 64 << 10;
const ENDLESS_PACE: Duration = Duration::from_millis(5);

/// What the provider puts on the wire, and how it ends.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) writes: Vec<Bytes>,
    pub(super) end: End,
}

/// What follows the last write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The body ends in good order.
    Close,
    /// The connection breaks.
    Break,
    /// Nothing, for ever.
    Silence,
    /// More words, for ever: a pause before each, and its length beyond its number.
    Words(Duration, usize),
}

/// The whole stream of an answer, as `behaviour` would have it.
pub(super) fn script(answer: &Answer, behaviour: Behaviour, speech: Speech) -> Script {
    let mut events = speech.events(answer, behaviour);
    let cut = match behaviour {
        Behaviour::HangBody => Some((1, End::Silence)),
        Behaviour::CutEarly => Some((1, End::Break)),
        Behaviour::OkThenError => Some((1, End::Close)),
        Behaviour::Stall => Some((MIDDLE, End::Silence)),
        Behaviour::Endless => Some((MIDDLE, End::Words(ENDLESS_PACE, 0))),
        Behaviour::Firehose => Some((MIDDLE, End::Words(Duration::ZERO, FIREHOSE_BYTES))),
        Behaviour::Cut => Some((MIDDLE, End::Break)),
        Behaviour::CutFrame | Behaviour::EndEarly | Behaviour::ErrorAfterContent => {
            Some((MIDDLE, End::Close))
        }
        _ => None,
    };
    if let Some((length, _)) = cut {
        events.truncate(length);
    }
    if matches!(behaviour, Behaviour::OkThenError | Behaviour::ErrorAfterContent) {
        events.push(speech.overloaded_event());
    }
    if cut.is_none() && behaviour != Behaviour::MissingDone {
        let count = if behaviour == Behaviour::DoubleDone { 2 } else { 1 };
        let done = speech.done(answer);
        events.extend(std::iter::repeat_n(done, count).flatten());
    }
    Script {
        writes: wire(&events, behaviour, speech),
        end: cut.map_or(End::Close, |(_, end)| end),
    }
}

/// One more word, for a stream that has no end.
pub(super) fn word(answer: &Answer, speech: Speech, number: u64, length: usize) -> Bytes {
    let text = format!("word {number} {}", "x".repeat(length));
    let word = speech.word(answer, &text);
    if speech == Speech::Bedrock {
        return Bytes::from(bedrock::message(&word));
    }
    Bytes::from(frame(&word, 1, Behaviour::Proper))
}

/// The events as bytes, one write each unless the behaviour says otherwise.
fn wire(events: &[Event], behaviour: Behaviour, speech: Speech) -> Vec<Bytes> {
    if speech == Speech::Bedrock {
        return cut(messages(events, behaviour), behaviour);
    }
    let mut frames: Vec<String> = events
        .iter()
        .enumerate()
        .map(|(at, event)| frame(event, at, behaviour))
        .collect();
    match behaviour {
        Behaviour::Malformed => frames.insert(1, "data: {\"choices\": oops\n\n".to_owned()),
        Behaviour::MalformedLater => frames.insert(MIDDLE, "data: {\"choices\": oops\n\n".to_owned()),
        Behaviour::CutFrame => frames.push("data: {\"id\":\"chatcmpl".to_owned()),
        _ => {}
    }
    if let (Behaviour::NoBlankLine, Some(last)) = (behaviour, frames.last_mut()) {
        last.truncate(last.trim_end().len());
    }
    cut(frames.into_iter().map(String::into_bytes).collect(), behaviour)
}

/// The same of binary messages; ways of writing lines do not concern them.
fn messages(events: &[Event], behaviour: Behaviour) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = events.iter().map(bedrock::message).collect();
    let oops = || {
        bedrock::message(&Event {
            name: "contentBlockDelta",
            data: "{\"delta\": oops".to_owned(),
        })
    };
    match behaviour {
        Behaviour::Malformed => messages.insert(1, oops()),
        Behaviour::MalformedLater => messages.insert(MIDDLE, oops()),
        Behaviour::CutFrame => {
            let half = oops();
            messages.push(half[..half.len() / 2].to_vec());
        }
        Behaviour::Corrupt => {
            if let Some(byte) = messages.get_mut(MIDDLE).and_then(|message| message.get_mut(20)) {
                *byte ^= 1;
            }
        }
        _ => {}
    }
    messages
}

/// Frames as the pieces in which they are written.
fn cut(frames: Vec<Vec<u8>>, behaviour: Behaviour) -> Vec<Bytes> {
    match behaviour {
        Behaviour::SplitUtf8 => frames
            .concat()
            .into_iter()
            .map(|byte| Bytes::from(vec![byte]))
            .collect(),
        Behaviour::Gzip => compressed(&frames),
        _ => frames.into_iter().map(Bytes::from).collect(),
    }
}

fn frame(event: &Event, at: usize, behaviour: Behaviour) -> String {
    let data = &event.data;
    let name = match (event.name, behaviour) {
        ("", _) => String::new(),
        (name, Behaviour::Crlf) => format!("event: {name}\r\n"),
        (name, Behaviour::NoSpace) => format!("event:{name}\n"),
        (name, _) => format!("event: {name}\n"),
    };
    match behaviour {
        Behaviour::Crlf => format!("{name}data: {data}\r\n\r\n"),
        Behaviour::NoSpace => format!("{name}data:{data}\n\n"),
        Behaviour::Fields => {
            let mark = if at == 0 { "\u{feff}" } else { "" };
            let name = if name.is_empty() {
                "event: message\n"
            } else {
                &name
            };
            format!("{mark}{name}id: {at}\nretry: 1000\ndata: {data}\n\n")
        }
        Behaviour::Keepalive => format!(": FAKE PROCESSING\n\n{name}data: {data}\n\n"),
        _ => format!("{name}data: {data}\n\n"),
    }
}

/// One gzip stream, flushed after each frame, as a compressing proxy does.
fn compressed(frames: &[Vec<u8>]) -> Vec<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut writes = Vec::new();
    for frame in frames {
        // Writing into memory cannot fail.
        let _ = encoder.write_all(frame).and_then(|()| encoder.flush());
        writes.push(Bytes::from(std::mem::take(encoder.get_mut())));
    }
    writes.push(Bytes::from(encoder.finish().unwrap_or_default()));
    writes
}
