//! Where texts are in the bodies of each door: what users, tools and models say, and the arguments of tool calls, which
//! are JSON within a string. Names, ids, schemas, images and sealed reasoning are not texts.

use super::json::Step::{Field, Item};
use super::json::{Scalar, Step, walk};
use crate::dialect::door::Door;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    Plain,
    /// JSON within the string.
    Json,
    /// As it is, but signed by the provider: looked at, and never changed.
    Sealed,
}

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

impl Speaker {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }

    fn of_role(role: &str) -> Self {
        match role {
            "system" | "developer" => Self::System,
            "assistant" => Self::Assistant,
            "tool" | "function" => Self::Tool,
            _ => Self::User,
        }
    }
}

/// One text of a body.
#[expect(clippy::struct_field_names, reason = "a text is what it is about")]
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(super) text: String,
    /// Where its string is, with its quotes.
    pub(super) at: std::ops::Range<usize>,
    pub(super) form: Form,
    pub(super) speaker: Speaker,
    /// Which message it belongs to; the last ones belong to none.
    pub(super) message: usize,
    /// It is no longer what the body says.
    pub(super) changed: bool,
}

impl Text {
    pub(super) fn replace(&mut self, text: String) {
        if self.form != Form::Sealed && self.text != text {
            self.text = text;
            self.changed = true;
        }
    }
}

/// The texts of a request.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) all: Vec<Text>,
    /// Messages, or items.
    pub(super) messages: usize,
}

/// What a request says.
pub(super) fn request(door: Door, body: &str) -> Texts {
    let mut texts = Texts::default();
    let mut roles: Vec<(usize, String)> = Vec::new();
    walk(body, &mut |path, scalar| {
        if let [Field("messages" | "input"), Item(message), rest @ ..] = path {
            texts.messages = texts.messages.max(message + 1);
            note(*message, rest, &scalar, &mut roles);
        }
        let Some((form, speaker)) = in_request(door, path) else {
            return;
        };
        let message = match path {
            [_, Item(message), ..] => *message,
            _ => usize::MAX,
        };
        push(&mut texts.all, &scalar, (form, speaker), message);
    });
    for text in &mut texts.all {
        let role = roles.iter().find(|(message, _)| *message == text.message);
        if let Some((_, role)) = role.filter(|_| text.speaker == Speaker::User) {
            text.speaker = Speaker::of_role(role);
        }
    }
    texts
}

/// Notes what other texts of the message need to know.
fn note(message: usize, rest: &[Step<'_>], scalar: &Scalar<'_>, roles: &mut Vec<(usize, String)>) {
    let role = match rest {
        [Field("role")] => scalar.text(),
        [Field("type")] => scalar
            .text()
            .filter(|kind| kind.ends_with("_call_output"))
            .map(|_| "tool".to_owned()),
        _ => None,
    };
    if let Some(role) = role {
        roles.push((message, role));
    }
}

/// The texts of a request, the definitions of its tools, and its pictures and sounds by number and size.
pub(super) fn weigh(door: Door, body: &str) -> super::Weighed {
    let texts = request(door, body);
    let mut weighed = super::Weighed {
        messages: texts.messages as u64,
        texts: texts.all.into_iter().map(|text| text.text).collect(),
        ..super::Weighed::default()
    };
    walk(body, &mut |path, scalar| match path {
        [Field("tools"), ..] => weighed.texts.extend(scalar.text()),
        [Field("messages" | "input"), .., Field("type")] => {
            let is_picture = matches!(scalar.raw, "\"image_url\"" | "\"image\"" | "\"input_image\"");
            weighed.pictures += u64::from(is_picture);
        }
        [
            Field("messages" | "input"),
            ..,
            Field("input_audio"),
            Field("data"),
        ] => {
            weighed.sound_bytes += scalar.raw.len() as u64 * 3 / 4;
        }
        _ => {}
    });
    weighed
}

fn in_request(door: Door, path: &[Step<'_>]) -> Option<(Form, Speaker)> {
    use Form::{Json, Plain, Sealed};
    let plain = Some((Plain, Speaker::User));
    match door {
        Door::Chat | Door::Messages => match path {
            [Field("messages"), Item(_), Field("content")] => plain,
            [Field("messages"), Item(_), rest @ ..] => in_message(rest),
            [Field("system")] | [Field("system"), Item(_), Field("text")] => Some((Plain, Speaker::System)),
            _ => None,
        },
        Door::Responses => match path {
            [Field("instructions")] => Some((Plain, Speaker::System)),
            [Field("input")]
            | [Field("input"), Item(_), Field("content")]
            | [
                Field("input"),
                Item(_),
                Field("content"),
                Item(_),
                Field("text" | "refusal"),
            ] => plain,
            [Field("input"), Item(_), Field("arguments")] => Some((Json, Speaker::Assistant)),
            [Field("input"), Item(_), Field("output")]
            | [Field("input"), Item(_), Field("output"), Item(_), Field("text")] => {
                Some((Plain, Speaker::Tool))
            }
            [Field("input"), Item(_), Field("summary"), Item(_), Field("text")] => {
                Some((Sealed, Speaker::Assistant))
            }
            _ => None,
        },
        Door::Other(_) => match path {
            [Field("prompt" | "input" | "query" | "instructions")]
            | [Field("prompt" | "input" | "documents"), Item(_)]
            | [Field("input" | "documents"), Item(_), Field("text")] => plain,
            _ => None,
        },
    }
}

/// Within a message of the chat or Messages format.
fn in_message(path: &[Step<'_>]) -> Option<(Form, Speaker)> {
    use Form::{Json, Plain, Sealed};
    match path {
        [Field("content"), Item(_), Field("text" | "refusal")] | [Field("reasoning_content" | "refusal")] => {
            Some((Plain, Speaker::User))
        }
        [Field("content"), Item(_), Field("content")]
        | [
            Field("content"),
            Item(_),
            Field("content"),
            Item(_),
            Field("text"),
        ] => Some((Plain, Speaker::Tool)),
        [Field("content"), Item(_), Field("input"), ..]
        | [Field("tool_calls"), Item(_), Field("custom"), Field("input")] => {
            Some((Plain, Speaker::Assistant))
        }
        [Field("content"), Item(_), Field("thinking")] => Some((Sealed, Speaker::Assistant)),
        [
            Field("tool_calls"),
            Item(_),
            Field("function"),
            Field("arguments"),
        ]
        | [Field("function_call"), Field("arguments")] => Some((Json, Speaker::Assistant)),
        _ => None,
    }
}

/// What a whole answer says.
pub(super) fn answer(door: Door, body: &str) -> Vec<Text> {
    let mut texts = Vec::new();
    walk(body, &mut |path, scalar| {
        if let Some(form) = in_answer(door, path) {
            push(&mut texts, &scalar, (form, Speaker::Assistant), 0);
        }
    });
    texts
}

fn in_answer(door: Door, path: &[Step<'_>]) -> Option<Form> {
    use Form::{Json, Plain, Sealed};
    match (door, path) {
        (Door::Chat, [Field("choices"), Item(_), Field("message"), rest @ ..]) => match rest {
            [Field("content" | "reasoning_content" | "reasoning" | "refusal")]
            | [Field("content"), Item(_), Field("text")]
            | [Field("tool_calls"), Item(_), Field("custom"), Field("input")] => Some(Plain),
            [
                Field("tool_calls"),
                Item(_),
                Field("function"),
                Field("arguments"),
            ]
            | [Field("function_call"), Field("arguments")] => Some(Json),
            _ => None,
        },
        (Door::Messages, [Field("content"), Item(_), rest @ ..]) => match rest {
            [Field("text")] | [Field("input"), ..] => Some(Plain),
            [Field("thinking")] => Some(Sealed),
            _ => None,
        },
        (Door::Responses, [Field("output"), Item(_), rest @ ..]) => in_item(rest),
        (
            Door::Other(_),
            [Field("choices"), Item(_), Field("text")]
            | [Field("data"), Item(_), Field("revised_prompt")]
            | [Field("text")],
        ) => Some(Plain),
        _ => None,
    }
}

/// Within an item of a response's output.
pub(super) fn in_item(path: &[Step<'_>]) -> Option<Form> {
    match path {
        [Field("content"), Item(_), Field("text" | "refusal")]
        | [Field("summary"), Item(_), Field("text")]
        | [Field("input")] => Some(Form::Plain),
        [Field("arguments")] => Some(Form::Json),
        _ => None,
    }
}

fn push(texts: &mut Vec<Text>, scalar: &Scalar<'_>, (form, speaker): (Form, Speaker), message: usize) {
    // Numbers are texts too where the caller's own JSON is not wrapped in a string.
    let text = if scalar.is_string() {
        scalar.text()
    } else {
        Some(scalar.raw.to_owned())
    };
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        texts.push(Text {
            text,
            at: scalar.at.clone(),
            form,
            speaker,
            message,
            changed: false,
        });
    }
}
