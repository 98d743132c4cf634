//! The caller's side of a call: which wire format it speaks, and how it is answered in it.

use bytes::Bytes;
use serde_json::Value;

use super::anthropic::caller;
use super::openai::error;
use super::operation::Operation;
use super::outlet::Outlet;
use super::responses;
use super::{BadAnswer, Fields, Untranslatable};
use crate::config::Dialect;

/// A route by which calls come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// `OpenAI`'s chat completions.
    Chat,
    /// Anthropic's Messages.
    Messages,
    /// `OpenAI`'s Responses.
    Responses,
    /// One of `OpenAI`'s other calls.
    Other(Operation),
}

/// What an error's body says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorWords<'a> {
    pub(crate) status: u16,
    pub(crate) message: &'a str,
    pub(crate) param: Option<&'a str>,
    pub(crate) code: &'a str,
}

impl Door {
    /// The route's path.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
            Self::Other(operation) => operation.path(),
        }
    }

    /// The method of the call.
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::Other(operation) => operation.method(),
            Self::Chat | Self::Messages | Self::Responses => "POST",
        }
    }

    /// `gen_ai.operation.name`.
    pub(crate) const fn operation_name(self) -> &'static str {
        match self {
            Self::Chat | Self::Messages | Self::Responses => "chat",
            Self::Other(operation) => operation.name(),
        }
    }

    /// Whether the answer may be something else than JSON.
    pub(crate) const fn answers_bytes(self) -> bool {
        matches!(
            self,
            Self::Other(Operation::Speech | Operation::Transcriptions | Operation::Translations)
        )
    }

    /// Whether the request is a form, with a file in it.
    pub(crate) const fn takes_form(self) -> bool {
        matches!(
            self,
            Self::Other(
                Operation::Transcriptions
                    | Operation::Translations
                    | Operation::ImageEdits
                    | Operation::ImageVariations
            )
        )
    }

    /// Whether a stream is of events with a type, which are no chunks.
    pub(crate) const fn streams_typed(self) -> bool {
        self.takes_form() || matches!(self, Self::Other(Operation::Images))
    }

    /// Whether a stream is asked for by `stream`, and its usage by `stream_options`.
    pub(crate) const fn streams_chunks(self) -> bool {
        matches!(self, Self::Chat | Self::Other(Operation::Completions))
    }

    /// Whether a provider of `dialect` can be sent what the caller sent, and the caller what it answers.
    pub(crate) const fn passes(self, dialect: Dialect) -> bool {
        matches!(
            (self, dialect),
            (Self::Chat, Dialect::Openai | Dialect::Azure)
                | (
                    Self::Messages | Self::Other(Operation::CountTokens),
                    Dialect::Anthropic
                )
                | (Self::Responses, Dialect::Responses)
                | (Self::Other(Operation::Rerank), Dialect::Cohere)
        ) || (matches!(self, Self::Other(operation) if !matches!(operation, Operation::CountTokens))
            && matches!(dialect, Dialect::Openai | Dialect::Azure))
    }

    /// The caller's request in the pivot format, and what had to change.
    pub(crate) fn pivot(self, body: &[u8]) -> Result<(Fields, Vec<&'static str>), Untranslatable> {
        match self {
            Self::Chat => {
                let fields = serde_json::from_slice(body).map_err(|error| {
                    Untranslatable::new(format!("the body is not a JSON object: {error}"))
                })?;
                Ok((fields, Vec::new()))
            }
            Self::Messages => {
                let pivoted = caller::request::translate(body)?;
                Ok((pivoted.fields, pivoted.adapted))
            }
            Self::Responses => responses::caller::request::translate(body),
            Self::Other(operation) => Err(Untranslatable::new(format!(
                "the gateway serves {} from providers of OpenAI's format only",
                operation.path()
            ))),
        }
    }

    /// The request as the recorder of chats reads it; nothing when it has no place in that form.
    pub(crate) fn recorded(self, body: &[u8]) -> Option<Bytes> {
        let fields = match self {
            Self::Other(Operation::CountTokens) => Self::Messages.pivot(body).ok()?.0,
            Self::Other(operation) => operation.recorded(body)?,
            _ => self.pivot(body).ok()?.0,
        };
        Some(Bytes::from(Value::Object(fields).to_string()))
    }

    /// A whole answer in the caller's format, from the pivot's.
    pub(crate) fn answer(self, pivot: Bytes) -> Result<Bytes, BadAnswer> {
        match self {
            Self::Chat | Self::Other(_) => Ok(pivot),
            Self::Messages => caller::answer::translate(&pivot),
            Self::Responses => responses::caller::answer::translate(&pivot),
        }
    }

    /// How a stream's frames leave for the caller, from a provider of `dialect`.
    pub(crate) fn outlet(self, dialect: Dialect, wants_usage: bool) -> Outlet {
        match self {
            _ if self.streams_typed() => Outlet::AsSent(self),
            Self::Chat | Self::Other(_) => Outlet::Chunks { wants_usage },
            _ if self.passes(dialect) => Outlet::AsSent(self),
            Self::Messages => Outlet::Messages(Box::default()),
            Self::Responses => Outlet::Responses(Box::default()),
        }
    }

    /// An error's body.
    pub(crate) fn error_body(self, words: ErrorWords<'_>) -> Value {
        match self {
            Self::Messages | Self::Other(Operation::CountTokens) => {
                caller::error_body(caller::error_kind(words.status), words.message, None)
            }
            Self::Chat | Self::Responses | Self::Other(_) => {
                let kind = error::kind_of(words.status);
                error::body(words.message, kind, words.param, Some(words.code))
            }
        }
    }
}
