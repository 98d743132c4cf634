//! A conversation in `OpenTelemetry`'s form: messages of a role and typed parts, as JSON text. Made after the
//! caller has its answer. The budget is spent on the newest messages first, because they are what a reader
//! looks for; what does not fit is replaced by a marker that says how much is missing.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::reply::{Choice, Reply};
use super::request::string;

mod wire;

use wire::{WireFile, WireMessage, WirePart};

/// Room for one line of a list.
const PREVIEW_CHARS_MAX: usize = 500;
/// A character may be written as two numbered escapes.
const ESCAPE_BYTES_MAX: usize = 12;
/// As much of a JSON text as these characters can take, and an escape more.
const PREVIEW_JSON_BYTES: usize = (PREVIEW_CHARS_MAX + 2) * ESCAPE_BYTES_MAX;

/// A request as the spans need it.
#[derive(Deserialize)]
pub(crate) struct RecordedRequest<'a> {
    #[serde(borrow, default)]
    messages: Vec<WireMessage<'a>>,
    #[serde(borrow, default)]
    pub(crate) tools: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    parts: Vec<Part<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text {
        content: Cow<'a, str>,
    },
    /// A text as its sender wrote it, escapes and all.
    #[serde(rename = "text")]
    Sent {
        content: &'a RawValue,
    },
    Reasoning {
        content: Cow<'a, str>,
    },
    ToolCall {
        id: Option<Cow<'a, str>>,
        name: Cow<'a, str>,
        arguments: Arguments<'a>,
    },
    ToolCallResponse {
        id: Option<Cow<'a, str>>,
        result: Cow<'a, str>,
    },
    Uri {
        modality: &'static str,
        uri: Cow<'a, str>,
    },
    Blob {
        modality: &'static str,
        mime_type: Cow<'a, str>,
        content: Cow<'a, str>,
    },
    File {
        modality: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<Cow<'a, str>>,
    },
    Unknown {
        kind: Cow<'a, str>,
    },
}

/// Arguments are JSON when the model wrote JSON, and its text when it did not.
#[derive(Serialize)]
#[serde(untagged)]
enum Arguments<'a> {
    Json(serde_json::Value),
    Text(Cow<'a, str>),
}

impl<'a> RecordedRequest<'a> {
    /// Reads a request's conversation; `None` when its messages have an unexpected shape.
    pub(crate) fn parse(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Writes `gen_ai.input.messages`, with at most `budget` bytes of text.
    pub(crate) fn write_input_messages(&self, budget: usize, out: &mut Vec<u8>) -> Option<()> {
        let mut budget = Budget { left: budget };
        let mut messages: Vec<Message<'_>> = self
            .messages
            .iter()
            .rev()
            .map(|message| message.record(&mut budget))
            .collect();
        messages.reverse();
        serde_json::to_writer(out, &messages).ok()
    }

    /// The last thing that a person said, shortened.
    pub(crate) fn preview(&self) -> Option<String> {
        let said = self
            .messages
            .iter()
            .rev()
            .find(|message| message.role == "user")
            .or(self.messages.last())?;
        let content = said.content?;
        if let Some(text) = beginning(content) {
            return Some(shorten(&text));
        }
        let parts: Vec<WirePart<'_>> = serde_json::from_str(content.get()).ok()?;
        parts.iter().find_map(|part| part.text.as_deref()).map(shorten)
    }
}

impl Reply {
    /// `gen_ai.output.messages`. The reply's own budget has already been kept.
    pub(crate) fn output_messages(&self) -> Option<String> {
        if self.choices.is_empty() {
            return None;
        }
        let mut messages: Vec<Message<'_>> = self.choices.iter().map(Choice::record).collect();
        if let (Some(message), true) = (messages.last_mut(), self.dropped > 0) {
            message.parts.push(Part::Text {
                content: marker(self.dropped).into(),
            });
        }
        serde_json::to_string(&messages).ok()
    }

    /// The first choice's text, shortened; the names of its tools when it only calls some.
    pub(crate) fn preview(&self) -> Option<String> {
        let choice = self.choices.first()?;
        if !choice.text.is_empty() {
            return Some(shorten(&choice.text));
        }
        let calls: Vec<String> = choice
            .tool_calls
            .iter()
            .map(|call| format!("{}({})", call.name, call.arguments))
            .collect();
        (!calls.is_empty()).then(|| shorten(&calls.join(", ")))
    }
}

impl Choice {
    fn record(&self) -> Message<'_> {
        let mut parts = Vec::new();
        if !self.reasoning.is_empty() {
            parts.push(Part::Reasoning {
                content: self.reasoning.as_str().into(),
            });
        }
        for text in [&self.text, &self.refusal]
            .into_iter()
            .filter(|text| !text.is_empty())
        {
            parts.push(Part::Text {
                content: text.as_str().into(),
            });
        }
        parts.extend(self.tool_calls.iter().map(|call| Part::ToolCall {
            id: call.id.as_deref().map(Cow::Borrowed),
            name: call.name.as_str().into(),
            arguments: arguments(call.arguments.as_str().into()),
        }));
        Message {
            role: self.role.as_deref().unwrap_or("assistant").into(),
            name: None,
            parts,
            finish_reason: self.finish_reason.as_deref().map(Cow::Borrowed),
        }
    }
}

impl WireMessage<'_> {
    fn record(&self, budget: &mut Budget) -> Message<'_> {
        let mut parts = Vec::new();
        if let Some(thought) = self
            .reasoning_content
            .as_deref()
            .filter(|thought| !thought.is_empty())
        {
            parts.push(Part::Reasoning {
                content: budget.cut(thought.into()),
            });
        }
        if self.role == "tool" || self.role == "function" {
            let id = self.tool_call_id.as_deref().map(Cow::Borrowed);
            parts.push(Part::ToolCallResponse {
                id,
                result: budget.cut(self.plain_content()),
            });
        } else {
            self.record_content(&mut parts, budget);
        }
        for call in self.tool_calls.iter().flatten() {
            let id = call.id.as_deref().map(Cow::Borrowed);
            let Some(function) = &call.function else { continue };
            let text = budget.cut(Cow::Borrowed(&function.arguments));
            parts.push(Part::ToolCall {
                id,
                name: Cow::Borrowed(&function.name),
                arguments: arguments(text),
            });
        }
        let name = self.name.as_deref().map(Cow::Borrowed);
        Message {
            role: Cow::Borrowed(&self.role),
            name,
            parts,
            finish_reason: None,
        }
    }

    fn record_content<'a>(&'a self, parts: &mut Vec<Part<'a>>, budget: &mut Budget) {
        let Some(content) = self.content else { return };
        if budget.holds(content) {
            parts.push(Part::Sent { content });
        } else if let Some(text) = string(content) {
            parts.push(Part::Text {
                content: budget.cut(text),
            });
        } else if let Ok(wire) = serde_json::from_str::<Vec<WirePart<'a>>>(content.get()) {
            parts.extend(wire.into_iter().map(|part| part.record(budget)));
        } else {
            parts.push(Part::Text {
                content: budget.cut(content.get().into()),
            });
        }
    }

    /// A tool's result: its text, or the text of its parts, or the JSON that it is.
    fn plain_content(&self) -> Cow<'_, str> {
        let Some(content) = self.content else {
            return "".into();
        };
        if let Some(text) = string(content) {
            return text;
        }
        let parts: Vec<WirePart<'_>> = serde_json::from_str(content.get()).unwrap_or_default();
        let texts: Vec<&str> = parts.iter().filter_map(|part| part.text.as_deref()).collect();
        if texts.is_empty() {
            content.get().into()
        } else {
            texts.concat().into()
        }
    }
}

impl<'a> WirePart<'a> {
    fn record(self, budget: &mut Budget) -> Part<'a> {
        if let Some(text) = self.text.or(self.refusal) {
            return Part::Text {
                content: budget.cut(text),
            };
        }
        if let Some(image) = self.image_url {
            return inline_or_uri("image", image.url, budget);
        }
        if let Some(audio) = self.input_audio {
            let mime_type = format!("audio/{}", audio.format).into();
            return Part::Blob {
                modality: "audio",
                mime_type,
                content: budget.cut(audio.data),
            };
        }
        match self.file {
            Some(WireFile {
                file_data: Some(data),
                ..
            }) => inline_or_uri("document", data, budget),
            Some(file) => Part::File {
                modality: "document",
                file_id: file.file_id,
                filename: file.filename,
            },
            None => Part::Unknown { kind: self.kind },
        }
    }
}

/// A `data:` address carries the thing itself.
fn inline_or_uri<'a>(modality: &'static str, address: Cow<'a, str>, budget: &mut Budget) -> Part<'a> {
    let inline = address
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((mime_type, content)) => Part::Blob {
            modality,
            mime_type: mime_type.to_owned().into(),
            content: budget.cut(content.to_owned().into()),
        },
        None => Part::Uri {
            modality,
            uri: budget.cut(address),
        },
    }
}

fn arguments(text: Cow<'_, str>) -> Arguments<'_> {
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(value) if value.is_object() || value.is_array() => Arguments::Json(value),
        _ => Arguments::Text(text),
    }
}

/// Bytes of text that may still be kept.
struct Budget {
    left: usize,
}

impl Budget {
    /// Takes a text whole, if it is one that need not be looked into: it fits as it was written, and has no numbered
    /// escapes, which may stand for half a character.
    fn holds(&mut self, content: &RawValue) -> bool {
        let json = content.get();
        let text_bytes = json.len().saturating_sub(2);
        let holds = json.starts_with('"')
            && text_bytes <= self.left
            && memchr::memmem::find(json.as_bytes(), b"\\u").is_none();
        if holds {
            self.left -= text_bytes;
        }
        holds
    }

    fn cut<'a>(&mut self, text: Cow<'a, str>) -> Cow<'a, str> {
        if text.len() <= self.left {
            self.left -= text.len();
            return text;
        }
        let kept = text.floor_char_boundary(self.left);
        self.left = 0;
        Cow::Owned(format!("{}{}", &text[..kept], marker(text.len() - kept)))
    }
}

fn marker(bytes: usize) -> String {
    format!("…[{bytes} bytes not recorded]")
}

/// The beginning of a JSON text, or all of it: no more is decoded than a preview may need.
fn beginning(content: &RawValue) -> Option<Cow<'_, str>> {
    let json = content.get();
    if json.starts_with('"') && json.len() > PREVIEW_JSON_BYTES {
        let cut = &json[..json.floor_char_boundary(PREVIEW_JSON_BYTES)];
        // The last escape may have been cut in two.
        let whole = match cut.rfind('\\') {
            Some(at) if at + ESCAPE_BYTES_MAX > cut.len() => cut[..at].trim_end_matches('\\'),
            _ => cut,
        };
        if let Ok(text) = serde_json::from_str::<String>(&format!("{whole}\""))
            && text.chars().nth(PREVIEW_CHARS_MAX).is_some()
        {
            return Some(text.into());
        }
    }
    string(content)
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(PREVIEW_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
