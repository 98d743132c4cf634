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
use operation::Operation;

pub(crate) mod anthropic;
pub(crate) mod bedrock;
pub(crate) mod chunk_writer;
mod cohere;
pub(crate) mod door;
mod embeddings;
pub(crate) mod gemini;
mod media;
pub(crate) mod openai;
pub(crate) mod operation;
pub(crate) mod outlet;
mod request_fields;
mod responses;
pub(crate) mod stream;
pub(crate) mod vertex;

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

impl Target {
    /// The format in which a call that came in by `door` is sent there.
    pub(crate) fn wire(&self, door: Door) -> Dialect {
        self.provider.wire(door, &self.model)
    }
}

/// The request as `target` understands it.
pub(crate) fn request(request: &ChatRequest, target: &Target) -> Result<Translated, Untranslatable> {
    let wire = target.wire(request.door);
    let mut translated = if request.door.passes(wire) && !openai::compose::is_needed(request, target) {
        let asks_usage = target.provider.asks_usage();
        Translated {
            body: request.for_upstream(&target.model, asks_usage),
            adapted: Vec::new(),
        }
    } else {
        translate(request, target, wire)?
    };
    if target.provider.dialect == Dialect::Vertex && wire == Dialect::Anthropic {
        translated.body = vertex::for_claude(&translated.body);
    }
    Ok(translated)
}

fn translate(request: &ChatRequest, target: &Target, wire: Dialect) -> Result<Translated, Untranslatable> {
    let (model, stream) = (target.model.as_str(), request.stream);
    if request.door == Door::Other(Operation::Embeddings) {
        return embeddings::request(&request.body, wire, model);
    }
    let (mut fields, mut adapted) = request.door.pivot(&request.body)?;
    if !matches!(wire, Dialect::Anthropic | Dialect::Bedrock)
        && request_fields::strip_cache_control(&mut fields)
    {
        adapted.push("cache_control");
    }
    if matches!(wire, Dialect::Gemini | Dialect::Responses) && request_fields::has_signed_thinking(&fields) {
        adapted.push("thinking");
    }
    match wire {
        Dialect::Responses => responses::request::translate(fields, adapted, model, stream),
        Dialect::Anthropic => anthropic::request::translate(fields, adapted, model, stream),
        Dialect::Gemini => gemini::request::translate(fields, adapted, model),
        Dialect::Cohere => cohere::request::translate(fields, adapted, model, stream),
        Dialect::Bedrock => bedrock::request::translate(fields, adapted, model),
        _ => Ok(openai::compose::compose(fields, adapted, target, stream)),
    }
}

/// A whole answer in the pivot format. One that says that it failed stays as it is, for whoever reads errors.
/// `created` is in seconds since 1970.
pub(crate) fn answer(
    request: &ChatRequest,
    body: Bytes,
    target: &Target,
    created: i64,
) -> Result<Bytes, BadAnswer> {
    let door = request.door;
    let wire = target.wire(door);
    let translate = match wire {
        _ if door == Door::Other(Operation::Embeddings) && !door.passes(wire) => {
            return embeddings::answer(&request.body, &body, (wire, &target.model));
        }
        _ if matches!(door, Door::Other(_)) => return Ok(body),
        Dialect::Responses => responses::answer::translate,
        Dialect::Anthropic => anthropic::answer::translate,
        Dialect::Gemini => gemini::answer::translate,
        Dialect::Cohere => cohere::answer::translate,
        Dialect::Bedrock => bedrock::answer::translate,
        _ => return Ok(body),
    };
    if matches!(chunk::head(&body), Head::Error(_)) {
        return Ok(body);
    }
    translate(&body, &target.model, created)
}
