//! Wire formats. `OpenAI`'s chat completions are the pivot: a call whose provider speaks it passes byte for
//! byte, and every other format is translated to and from it at the provider's end, whole answers and frames
//! alike, so that routing, relay and recording know one format only.
//!
//! What a provider's format cannot express is either refused ([`Untranslatable`]) or left out by a rule that
//! says so ([`Translated::adapted`]); nothing is dropped silently. Pure: no I/O, no clock.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::config::Dialect;
use crate::route::Target;
use door::Door;
use openai::chunk::{self, Head};
use openai::request::ChatRequest;

pub(crate) mod anthropic;
pub(crate) mod chunk_writer;
mod cohere;
pub(crate) mod door;
pub(crate) mod gemini;
mod media;
pub(crate) mod openai;
pub(crate) mod operation;
pub(crate) mod outlet;
mod request_fields;
mod responses;
pub(crate) mod stream;

/// A request in a provider's own format.
#[derive(Debug)]
pub(crate) struct Translated {
    pub(crate) body: Bytes,
    /// What was changed or left out because the format cannot express it, in the caller's field names.
    pub(crate) adapted: Vec<&'static str>,
}

/// Why a request cannot be put into a provider's format. Written for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Untranslatable {
    pub(crate) message: String,
}

impl Untranslatable {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

/// An answer that is not what its format promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the provider's answer is not in its own format: {0}")]
pub(crate) struct BadAnswer(pub(crate) &'static str);

/// The fields of a chat request, each taken at most once: what is left at the end was not understood.
pub(crate) type Fields = Map<String, Value>;

/// The request as `target` understands it.
pub(crate) fn request(request: &ChatRequest, target: &Target) -> Result<Translated, Untranslatable> {
    let wire = target.provider.wire(request.door);
    if request.door.passes(wire) {
        let asks_usage = target.provider.asks_usage();
        return Ok(Translated {
            body: request.for_upstream(&target.model, asks_usage),
            adapted: Vec::new(),
        });
    }
    let (fields, adapted) = request.door.pivot(&request.body)?;
    match wire {
        Dialect::Responses => responses::request::translate(fields, adapted, &target.model, request.stream),
        Dialect::Anthropic => anthropic::request::translate(fields, adapted, &target.model, request.stream),
        Dialect::Gemini => gemini::request::translate(fields, adapted, &target.model),
        Dialect::Cohere => cohere::request::translate(fields, adapted, &target.model, request.stream),
        _ => Ok(openai::compose::compose(fields, adapted, target, request.stream)),
    }
}

/// A whole answer in the pivot format. One that says that it failed stays as it is, for whoever reads errors.
/// `created` is in seconds since 1970.
pub(crate) fn answer(door: Door, body: Bytes, target: &Target, created: i64) -> Result<Bytes, BadAnswer> {
    let translate = match target.provider.wire(door) {
        _ if matches!(door, Door::Other(_)) => return Ok(body),
        Dialect::Responses => responses::answer::translate,
        Dialect::Anthropic => anthropic::answer::translate,
        Dialect::Gemini => gemini::answer::translate,
        Dialect::Cohere => cohere::answer::translate,
        _ => return Ok(body),
    };
    if matches!(chunk::head(&body), Head::Error(_)) {
        return Ok(body);
    }
    translate(&body, &target.model, created)
}
