//! The caller's side of a call: which wire format it speaks, and how it is answered in it.

use bytes::Bytes;
use serde_json::Value;

use super::anthropic::caller;
use super::openai::error;
use super::outlet::Outlet;
use super::{BadAnswer, Fields, Untranslatable};
use crate::config::Dialect;

/// A route by which calls come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// `OpenAI`'s chat completions.
    Chat,
    /// Anthropic's Messages.
    Messages,
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
        }
    }

    /// Whether a provider of `dialect` can be sent what the caller sent, and the caller what it answers.
    pub(crate) const fn passes(self, dialect: Dialect) -> bool {
        matches!(
            (self, dialect),
            (Self::Chat, Dialect::Openai | Dialect::Azure) | (Self::Messages, Dialect::Anthropic)
        )
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
        }
    }

    /// A whole answer in the caller's format, from the pivot's.
    pub(crate) fn answer(self, pivot: Bytes) -> Result<Bytes, BadAnswer> {
        match self {
            Self::Chat => Ok(pivot),
            Self::Messages => caller::answer::translate(&pivot),
        }
    }

    /// How a stream's frames leave for the caller, from a provider of `dialect`.
    pub(crate) fn outlet(self, dialect: Dialect, wants_usage: bool) -> Outlet {
        match self {
            Self::Chat => Outlet::Chunks { wants_usage },
            Self::Messages if self.passes(dialect) => Outlet::AsSent,
            Self::Messages => Outlet::Messages(Box::default()),
        }
    }

    /// An error's body.
    pub(crate) fn error_body(self, words: ErrorWords<'_>) -> Value {
        match self {
            Self::Chat => {
                let kind = error::kind_of(words.status);
                error::body(words.message, kind, words.param, Some(words.code))
            }
            Self::Messages => caller::error_body(caller::error_kind(words.status), words.message, None),
        }
    }
}
