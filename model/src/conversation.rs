//! What was said to a model, or by it, in one form, whoever recorded it.
//!
//! Instrumentations write messages in a dozen spellings: OpenTelemetry's parts, `OpenAI`'s and Anthropic's
//! request bodies, Gemini's contents, Vercel's and `LangChain`'s objects, flattened attributes. [`read`]
//! turns each into messages of typed [`Part`]s, after OpenTelemetry's `gen_ai` schema. What is not a
//! conversation, or only partly looks like one, stays the value that was sent: nothing is dropped to make
//! it fit.
//!
//! Pure, and done when reading: storage keeps the text as it came, so a better reading here improves old
//! data too.

mod event;
mod indexed;
mod message;
mod part;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;

pub use event::{Said, event_messages, event_side, from_log};
pub use indexed::compose;

/// One turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// `system`, `developer`, `user`, `assistant` or `tool`; another word stays as it was sent.
    pub role: String,
    /// Who of that role, when it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it holds, in order.
    pub parts: Vec<Part>,
    /// Why the model stopped, on its messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Plain or Markdown text.
    Text {
        /// The text.
        content: String,
    },
    /// What the model thought before it spoke.
    Reasoning {
        /// The text; empty when the provider keeps it to itself.
        content: String,
        /// What the provider wants back with it, to know it as its own: a signature, or the thoughts encrypted.
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    /// The model wants a tool to be run.
    ToolCall {
        /// Joins the call to its response.
        id: Option<String>,
        /// Which tool.
        name: String,
        /// JSON when it was JSON, else the text.
        arguments: Value,
    },
    /// What the tool gave back.
    ToolCallResponse {
        /// The call's id.
        id: Option<String>,
        /// Which tool, when it was said.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// JSON when it was JSON, else the text.
        result: Value,
    },
    /// A picture.
    Image(Media),
    /// Sound.
    Audio(Media),
    /// A film.
    Video(Media),
    /// A document.
    File(Media),
    /// A part of a kind not known here, as it was sent.
    #[serde(untagged)]
    Other(Value),
}

/// Where a medium's bytes are. One of `uri`, `data` and `file_id` is usually set.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Media {
    /// An address, possibly a `data:` one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The provider's id of an uploaded file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// Such as `image/png`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a recorded input or output is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// A conversation.
    Messages(Vec<Message>),
    /// Something else, as it was sent: JSON when it was JSON, else a string.
    Value(Value),
}

/// Which way something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// To the model, tool or step.
    Input,
    /// From it.
    Output,
}

/// Reads recorded `text`. `source` is the name of the attribute that held it; a leading `+` says that it was
/// composed from several.
pub fn read(text: &str, source: &str, side: Side) -> Content {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return plain_text(text, source);
    };
    match messages(&value, source, side) {
        Some(messages) => Content::Messages(messages),
        None => Content::Value(value),
    }
}

/// Adds to recorded `content` what its producer wrote into attributes beside it: the system's instructions, a model's
/// thoughts and calls. `source` is the attribute that held the content, `attribute` gives the text of others.
pub fn complete<'a>(
    content: Content,
    source: &str,
    side: Side,
    attribute: impl Fn(&str) -> Option<&'a str>,
) -> Content {
    match side {
        Side::Input => match attribute(INSTRUCTIONS) {
            Some(instructions) => with_instructions(content, instructions),
            None => content,
        },
        Side::Output => with_answer_parts(
            content,
            source,
            attribute(ANSWER_REASONING),
            attribute(ANSWER_CALLS),
        ),
    }
}

/// Puts `instructions`, the text of a `gen_ai.system_instructions` attribute, before the conversation that
/// they govern. Leaves anything but a conversation as it is.
pub fn with_instructions(content: Content, instructions: &str) -> Content {
    let Content::Messages(messages) = content else {
        return content;
    };
    let parts = match serde_json::from_str::<Value>(instructions) {
        Ok(Value::Array(items)) => message::instructions(&items),
        Ok(value) if value.is_object() => message::instructions(std::slice::from_ref(&value)),
        _ => vec![Part::Text {
            content: instructions.to_owned(),
        }],
    };
    let system = Message {
        role: "system".to_owned(),
        name: None,
        parts,
        finish_reason: None,
    };
    Content::Messages(std::iter::once(system).chain(messages).collect())
}

/// Vercel's SDK writes what a model thought, said and called into an attribute each. Adds the thoughts
/// (`ai.response.reasoning`) and the calls (`ai.response.toolCalls`) to the answer that one of them gave;
/// `source` is the attribute that it was.
fn with_answer_parts(
    content: Content,
    source: &str,
    reasoning: Option<&str>,
    calls: Option<&str>,
) -> Content {
    let is_answer = source == ANSWER_TEXT || source == ANSWER_CALLS;
    let Content::Messages(mut messages) = content else {
        return content;
    };
    let Some(answer) = messages.last_mut().filter(|_| is_answer) else {
        return Content::Messages(messages);
    };
    if let Some(thoughts) = reasoning.filter(|text| !text.is_empty()) {
        let thoughts = serde_json::from_str::<Value>(thoughts)
            .ok()
            .and_then(|value| part::every(value.as_array()?))
            .unwrap_or_else(|| vec![part::thought(thoughts)]);
        answer.parts.splice(0..0, thoughts);
    }
    let calls = calls.and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
    for call in part::list(&calls.unwrap_or_default()) {
        if !answer.parts.contains(&call) {
            answer.parts.push(call);
        }
    }
    Content::Messages(messages)
}

/// Vercel's SDK writes a model's answer as bare text and its tool calls as a list without a message around.
const ANSWER_TEXT: &str = "ai.response.text";
const ANSWER_CALLS: &str = "ai.response.toolCalls";
/// Its requests by one prompt: `{"system":...,"prompt":...}`.
const PROMPT: &str = "ai.prompt";
const ANSWER_REASONING: &str = "ai.response.reasoning";
/// Where current `gen_ai` instrumentations put the system's words.
const INSTRUCTIONS: &str = "gen_ai.system_instructions";

fn plain_text(text: &str, source: &str) -> Content {
    if source.trim_start_matches('+') == ANSWER_TEXT {
        let parts = vec![Part::Text {
            content: text.to_owned(),
        }];
        return Content::Messages(vec![message::assistant(parts)]);
    }
    Content::Value(Value::String(text.to_owned()))
}

fn messages(value: &Value, source: &str, side: Side) -> Option<Vec<Message>> {
    match (value, source.trim_start_matches('+')) {
        (Value::Array(items), ANSWER_CALLS) => {
            part::every(items).map(|parts| vec![message::assistant(parts)])
        }
        (Value::String(text), ANSWER_TEXT) => Some(vec![message::assistant(vec![Part::Text {
            content: text.clone(),
        }])]),
        (Value::Object(request), PROMPT) if request.contains_key("prompt") => message::prompted(request),
        _ => message::conversation(value, side),
    }
}
