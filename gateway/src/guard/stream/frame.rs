//! What a frame says, in each door's format: pieces of texts that grow, texts told as a whole, and which of them are over.

use std::ops::Range;

use bytes::Bytes;

use super::{data_range, sse};
use crate::dialect::door::Door;
use crate::guard::json::Step::{Field, Item};
use crate::guard::json::{Scalar, Step, walk};
use crate::guard::place::{Form, in_item};

/// What a frame says.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) spoken: Vec<Spoken>,
    /// Groups of texts that are over.
    pub(super) closes: Vec<u64>,
}

/// One text in a frame.
#[derive(Debug)]
pub(super) enum Spoken {
    /// The next piece of a text.
    Piece {
        key: String,
        group: u64,
        form: Form,
        text: String,
        at: Range<usize>,
    },
    /// All of one.
    Whole {
        form: Form,
        text: String,
        at: Range<usize>,
    },
}

/// A frame whose data is on several lines is put on one: only white space of JSON can be between them.
pub(super) fn on_one_line(frame: Bytes) -> Bytes {
    if data_range(&frame).is_some() {
        return frame;
    }
    let event = sse::parse(&frame);
    let Some(data) = event.data else { return frame };
    let mut out = Vec::with_capacity(frame.len());
    if let Some(name) = event.name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name);
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    out.extend(data.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }));
    out.extend_from_slice(b"\n\n");
    Bytes::from(out)
}

pub(super) fn read(door: Door, frame: &[u8]) -> Read {
    let Some((at, data)) =
        data_range(frame).and_then(|at| Some((at.start, std::str::from_utf8(&frame[at.clone()]).ok()?)))
    else {
        return Read::default();
    };
    let mut read = match door {
        Door::Chat | Door::Other(_) => chunk(data),
        Door::Messages => message_event(data),
        Door::Responses => response_event(data),
    };
    for spoken in &mut read.spoken {
        let (Spoken::Piece { at: place, .. } | Spoken::Whole { at: place, .. }) = spoken;
        *place = place.start + at..place.end + at;
    }
    read
}

/// A string of a frame, before its place is known.
struct Raw {
    choice: usize,
    /// Which of the tool calls, by its place in the frame.
    call: Option<usize>,
    field: &'static str,
    form: Form,
    text: String,
    at: Range<usize>,
}

fn chunk(data: &str) -> Read {
    let mut raw: Vec<Raw> = Vec::new();
    let mut indexes: Vec<(usize, u64)> = Vec::new();
    let mut calls: Vec<(usize, usize, u64)> = Vec::new();
    let mut finished: Vec<usize> = Vec::new();
    walk(data, &mut |path, scalar| {
        let [Field("choices"), Item(choice), rest @ ..] = path else {
            return;
        };
        match rest {
            [Field("index")] => indexes.extend(number(&scalar).map(|index| (*choice, index))),
            [Field("finish_reason")] if scalar.is_string() => finished.push(*choice),
            [Field("delta"), Field("tool_calls"), Item(call), Field("index")] => {
                calls.extend(number(&scalar).map(|index| (*choice, *call, index)));
            }
            _ => {
                if let Some((field, form, call)) = in_delta(rest)
                    && let Some(text) = scalar.text()
                {
                    raw.push(Raw {
                        choice: *choice,
                        call,
                        field,
                        form,
                        text,
                        at: scalar.at,
                    });
                }
            }
        }
    });
    let index_of = |choice: usize| {
        let found = indexes.iter().find(|(item, _)| *item == choice);
        found.map_or(choice as u64, |(_, index)| *index)
    };
    let spoken = raw.into_iter().map(|raw| {
        let group = index_of(raw.choice);
        let call = raw.call.map(|call| {
            let found = calls
                .iter()
                .find(|(choice, item, _)| (*choice, *item) == (raw.choice, call));
            found.map_or(call as u64, |(_, _, index)| *index)
        });
        Spoken::Piece {
            key: format!("{group}/{}/{}", raw.field, call.unwrap_or_default()),
            group,
            form: raw.form,
            text: raw.text,
            at: raw.at,
        }
    });
    Read {
        spoken: spoken.collect(),
        // A choice's last text may come with its end: it is closed by the next frame, or the stream's end.
        closes: finished
            .into_iter()
            .filter(|choice| !data_has_text(data, *choice))
            .map(index_of)
            .collect(),
    }
}

/// Whether a choice that ends in this frame still says something in it.
fn data_has_text(data: &str, choice: usize) -> bool {
    let mut has = false;
    walk(data, &mut |path, scalar| {
        if let [Field("choices"), Item(item), rest @ ..] = path {
            has |= *item == choice && in_delta(rest).is_some() && scalar.raw.len() > 2;
        }
    });
    has
}

fn in_delta(path: &[Step<'_>]) -> Option<(&'static str, Form, Option<usize>)> {
    match path {
        [Field("text")] => Some(("text", Form::Plain, None)),
        [Field("delta"), Field("content")] | [Field("delta"), Field("content"), Item(_), Field("text")] => {
            Some(("content", Form::Plain, None))
        }
        [Field("delta"), Field("reasoning_content" | "reasoning")] => Some(("reasoning", Form::Plain, None)),
        [Field("delta"), Field("refusal")] => Some(("refusal", Form::Plain, None)),
        [
            Field("delta"),
            Field("tool_calls"),
            Item(call),
            Field("function"),
            Field("arguments"),
        ] => Some(("call", Form::Json, Some(*call))),
        [
            Field("delta"),
            Field("tool_calls"),
            Item(call),
            Field("custom"),
            Field("input"),
        ] => Some(("custom", Form::Plain, Some(*call))),
        [Field("delta"), Field("function_call"), Field("arguments")] => Some(("function", Form::Json, None)),
        _ => None,
    }
}

fn message_event(data: &str) -> Read {
    let mut kind = String::new();
    let mut index = 0;
    let mut pieces: Vec<(&'static str, Form, Option<String>, Range<usize>)> = Vec::new();
    walk(data, &mut |path, scalar| match path {
        [Field("type")] => kind = scalar.text().unwrap_or_default(),
        [Field("index")] => index = number(&scalar).unwrap_or_default(),
        [Field("delta"), Field("text")] => pieces.push(("text", Form::Plain, scalar.text(), scalar.at)),
        [Field("delta"), Field("thinking")] => {
            pieces.push(("thinking", Form::Sealed, scalar.text(), scalar.at));
        }
        [Field("delta"), Field("partial_json")] => {
            pieces.push(("json", Form::Json, scalar.text(), scalar.at));
        }
        [Field("content_block"), Field("text")] => {
            pieces.push(("text", Form::Plain, scalar.text(), scalar.at));
        }
        _ => {}
    });
    let spoken = pieces.into_iter().filter_map(|(field, form, text, at)| {
        Some(Spoken::Piece {
            key: format!("{index}/{field}"),
            group: index,
            form,
            text: text?,
            at,
        })
    });
    let closes = if kind == "content_block_stop" {
        vec![index]
    } else {
        Vec::new()
    };
    Read {
        spoken: spoken.collect(),
        closes,
    }
}

fn response_event(data: &str) -> Read {
    let mut kind = String::new();
    let (mut output, mut part) = (0, 0);
    let mut delta = None;
    let mut wholes: Vec<(Form, Option<String>, Range<usize>)> = Vec::new();
    walk(data, &mut |path, scalar| match path {
        [Field("type")] => kind = scalar.text().unwrap_or_default(),
        [Field("output_index")] => output = number(&scalar).unwrap_or_default(),
        [Field("content_index" | "summary_index")] => part = number(&scalar).unwrap_or_default(),
        [Field("delta")] => delta = scalar.text().map(|text| (text, scalar.at)),
        [Field("text" | "refusal" | "input")] | [Field("part"), Field("text" | "refusal")] => {
            wholes.push((Form::Plain, scalar.text(), scalar.at));
        }
        [Field("arguments")] => wholes.push((Form::Json, scalar.text(), scalar.at)),
        [Field("item"), rest @ ..] | [Field("response"), Field("output"), Item(_), rest @ ..] => {
            if let Some(form) = in_item(rest) {
                wholes.push((form, scalar.text(), scalar.at));
            }
        }
        _ => {}
    });
    let mut read = Read::default();
    if let Some((text, at)) = delta.filter(|_| last_word(&kind) == "delta") {
        let form = match kind.as_str() {
            kind if kind.contains("arguments") => Some(Form::Json),
            kind if kind.contains("text") || kind.contains("refusal") || kind.contains("input") => {
                Some(Form::Plain)
            }
            // Audio and images are no texts.
            _ => None,
        };
        read.spoken.extend(form.map(|form| Spoken::Piece {
            key: format!("{output}/{part}/{kind}"),
            group: output,
            form,
            text,
            at,
        }));
    }
    if last_word(&kind) == "done" {
        read.closes.push(output);
    }
    let wholes = wholes.into_iter().filter_map(|(form, text, at)| {
        Some(Spoken::Whole {
            form,
            text: text?,
            at,
        })
    });
    read.spoken.extend(wholes);
    read
}

fn last_word(kind: &str) -> &str {
    kind.rsplit('.').next().unwrap_or_default()
}

fn number(scalar: &Scalar<'_>) -> Option<u64> {
    scalar.raw.parse().ok()
}
