//! The wire formats that the fake provider speaks: how each says what an [`Answer`] holds. What goes wrong on
//! the way is the same for all of them, and lives in `frames` and `chat`.

use serde_json::{Value, json};

use super::answer::Answer;
use super::behaviour::Behaviour;

mod anthropic;
pub(super) mod bedrock;
mod cohere;
mod gemini;
mod openai;
mod responses;

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    /// `OpenAI`'s chat completions.
    Openai {
        /// Whether the caller wants the chunk that carries usage.
        include_usage: bool,
    },
    /// Anthropic's Messages.
    Anthropic,
    /// Google's Gemini.
    Gemini,
    /// Amazon Bedrock's Converse.
    Bedrock,
    /// Cohere's v2 chat.
    Cohere,
    /// `OpenAI`'s Responses.
    Responses,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// The `event:` line; empty where the format has none.
    pub(super) name: &'static str,
    /// The `data:` line.
    pub(super) data: String,
}

impl Event {
    fn unnamed(data: &Value) -> Self {
        Self::named("", data)
    }

    fn named(name: &'static str, data: &Value) -> Self {
        Self {
            name,
            data: data.to_string(),
        }
    }
}

impl Speech {
    /// The request in `OpenAI`'s terms, as far as [`Answer`] looks at it.
    pub(super) fn understand(self, request: Value, path: &str) -> Value {
        match self {
            Self::Openai { .. } => request,
            Self::Anthropic => {
                let mut request = request;
                if let Some((_, call)) = path.rsplit_once("/anthropic/models/") {
                    let (model, method) = call.split_once(':').unwrap_or((call, ""));
                    request["model"] = json!(model);
                    request["stream"] = json!(method == "streamRawPredict");
                }
                anthropic::understand(request)
            }
            Self::Gemini => {
                let place = path.rsplit('/').next().unwrap_or_default();
                let (model, method) = place.split_once(':').unwrap_or_default();
                gemini::understand(&request, model, method.starts_with("stream"))
            }
            Self::Bedrock => bedrock::understand(&request, path),
            Self::Cohere => cohere::understand(request),
            Self::Responses => responses::understand(&request),
        }
    }

    /// A whole answer.
    pub(super) fn body(self, answer: &Answer) -> Value {
        match self {
            Self::Openai { .. } => answer.body(),
            Self::Anthropic => anthropic::body(answer),
            Self::Gemini => gemini::body(answer),
            Self::Bedrock => bedrock::body(answer),
            Self::Cohere => cohere::body(answer),
            Self::Responses => responses::body(answer),
        }
    }

    /// A well-behaved stream, but for what `behaviour` does to its content.
    pub(super) fn events(self, answer: &Answer, behaviour: Behaviour) -> Vec<Event> {
        match self {
            Self::Openai { include_usage } => openai::events(answer, behaviour, include_usage),
            Self::Anthropic => anthropic::events(answer, behaviour),
            Self::Gemini => gemini::events(answer, behaviour),
            Self::Bedrock => bedrock::events(answer, behaviour),
            Self::Cohere => cohere::events(answer, behaviour),
            Self::Responses => responses::events(answer, behaviour),
        }
    }

    /// The event that ends a stream, where the format has one.
    pub(super) fn done(self, answer: &Answer) -> Option<Event> {
        match self {
            Self::Openai { .. } => Some(Event {
                name: "",
                data: "[DONE]".to_owned(),
            }),
            Self::Anthropic => Some(Event::named("message_stop", &json!({ "type": "message_stop" }))),
            Self::Gemini => None,
            Self::Bedrock => Some(bedrock::done(answer)),
            Self::Cohere => Some(cohere::done(answer)),
            Self::Responses => Some(responses::done(answer)),
        }
    }

    /// One more word, for a stream that has no end.
    pub(super) fn word(self, answer: &Answer, text: &str) -> Event {
        match self {
            Self::Openai { .. } => openai::word(answer, text),
            Self::Anthropic => anthropic::text(0, text),
            Self::Gemini => gemini::word(answer, text),
            Self::Bedrock => bedrock::word(text),
            Self::Cohere => cohere::word(text),
            Self::Responses => responses::word(text),
        }
    }

    /// An error's body.
    pub(super) fn error(self, status: u16, code: &str, message: &str) -> Value {
        match self {
            Self::Openai { .. } | Self::Responses => {
                json!({ "error": { "message": message, "type": "fake_error", "param": null, "code": code } })
            }
            Self::Anthropic => anthropic::error(status, message),
            Self::Gemini => gemini::error(status, message),
            Self::Bedrock => bedrock::error(message),
            Self::Cohere => cohere::error(message),
        }
    }

    /// An error as it is reported inside a stream, or in a 200's body.
    pub(super) fn overloaded(self) -> Value {
        match self {
            Self::Openai { .. } | Self::Responses => {
                json!({ "error": { "message": "The engine is overloaded",
                "type": "server_error", "param": null, "code": "overloaded" } })
            }
            Self::Anthropic => anthropic::error(529, "Overloaded"),
            Self::Gemini => gemini::error(503, "The model is overloaded"),
            Self::Bedrock => bedrock::error("The model is overloaded"),
            Self::Cohere => cohere::error("The model is overloaded"),
        }
    }

    /// The same as an event.
    pub(super) fn overloaded_event(self) -> Event {
        match self {
            Self::Anthropic => Event::named("error", &self.overloaded()),
            Self::Bedrock => bedrock::error_event(),
            Self::Responses => responses::error_event(),
            _ => Event::unnamed(&self.overloaded()),
        }
    }
}

/// Text in the pieces in which it is streamed.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// Text in pieces of a few characters.
fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(5).map(|piece| piece.iter().collect()).collect()
}

/// A word longer than most frames are allowed to be.
fn giant() -> String {
    "x".repeat(2 << 20)
}
