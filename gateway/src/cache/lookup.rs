//! The cache's place in a call: between the decision where it goes and the first attempt.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use brokle_model::id::SpanId;
use bytes::Bytes;
use futures_util::stream;
use http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Entry, Keeping, Nearest, Policy, Remembering, fingerprint, question};
use crate::call;
use crate::dialect::openai::request::ChatRequest;
use crate::error::GatewayError;
use crate::record::{CacheOutcome, CacheRecord, CallGuard, Hit};
use crate::route::Target;
use crate::settings::GatewaySettings;
use crate::shared::Shared;

/// Looks for a kept answer. Without one, the call learns where its own is to be kept.
pub(crate) async fn find(
    shared: &Shared,
    settings: &GatewaySettings,
    call: &mut CallGuard,
    (request, targets): (&ChatRequest, &[Target]),
    headers: &HeaderMap,
) -> Result<Option<Bytes>, GatewayError> {
    let Some(policy) = Policy::of(&settings.cache, headers)? else {
        return Ok(None);
    };
    // Other guardrails would have made the answer another one.
    let guards = call
        .guard
        .as_ref()
        .map_or("", |guard| guard.plan.fingerprint.as_str());
    let namespace = [policy.namespace.as_str(), guards].join("\n");
    let key = fingerprint(request, targets, headers, &namespace);
    let mut outcome = CacheOutcome::Bypassed;
    let mut found = None;
    if let Some(key) = &key {
        let now_ms = shared.clock.now().timestamp_millis();
        let semantic = settings.semantic.as_ref().filter(|_| policy.semantic);
        let mut meant = semantic.and_then(|semantic| {
            let question = question(request, targets, headers, &namespace)?;
            Some(Remembering {
                question,
                vector: None,
                embedder: Arc::clone(&semantic.embedder),
                bounds: semantic.bounds,
            })
        });
        let terms = semantic.map_or((1.0, Duration::ZERO), |semantic| {
            (policy.threshold.unwrap_or(semantic.threshold), semantic.patience)
        });
        if policy.read {
            let mut hit = read(shared, call, (key, None), now_ms).await;
            if let Some(meant) = meant.as_mut().filter(|_| hit.is_none()) {
                hit = read_by_meaning(shared, call, meant, (terms, now_ms)).await;
            }
            shared
                .cache
                .count(call.project, hit.as_ref().map(|(hit, _)| &hit.origin));
            outcome = CacheOutcome::Miss;
            if let Some((hit, body)) = hit {
                outcome = CacheOutcome::Hit(Box::new(hit));
                found = Some(body);
            }
        }
        if found.is_none() {
            call.keep_in(Keeping {
                cache: Arc::clone(&shared.cache),
                project: call.project,
                key: key.clone(),
                time_to_live: policy.time_to_live,
                entry_bytes_max: settings.cache.entry_bytes_max,
                remembering: meant,
            });
        }
    }
    shared.metrics.cache(outcome.as_str());
    call.cache = Some(CacheRecord { key, outcome });
    Ok(found)
}

/// The answer under a key: the request's own, or the nearest question's.
async fn read(
    shared: &Shared,
    call: &CallGuard,
    (key, nearest): (&str, Option<Nearest>),
    now_ms: i64,
) -> Option<(Hit, Bytes)> {
    let Entry { origin, body } = shared.cache.find(call.project, key, now_ms).await?;
    let age_ms = u64::try_from(now_ms - origin.stored_at_ms).unwrap_or_default();
    let hit = Hit {
        span: SpanId::generate(),
        origin,
        age: Duration::from_millis(age_ms),
        nearest,
    };
    Some((hit, body))
}

/// The answer to a question that means the same. A vector is computed only when there is something to compare with.
async fn read_by_meaning(
    shared: &Shared,
    call: &CallGuard,
    meant: &mut Remembering,
    ((threshold, patience), now_ms): ((f32, Duration), i64),
) -> Option<(Hit, Bytes)> {
    let shelves = &shared.cache.shelves;
    if !shelves.has_candidates(call.project, &meant.question, now_ms) {
        return None;
    }
    let vector = meant.embedder.embed(meant.question.text(), patience).await?;
    let nearest = shelves.nearest(call.project, &meant.question, &vector, (threshold, now_ms));
    meant.vector = Some(vector);
    let nearest = nearest?;
    let key = nearest.key.clone();
    let hit = read(shared, call, (&key, Some(nearest)), now_ms).await;
    if hit.is_none() {
        // It was invalidated, or made room for others.
        shelves.forget(call.project, &key);
    }
    hit
}

/// The answer of a hit: a stream goes out as a stream, event by event.
pub(crate) fn answer(call: CallGuard, body: Bytes) -> Response {
    let hit = call.cache.as_ref().and_then(CacheRecord::hit);
    let content_type = hit.and_then(|hit| HeaderValue::from_str(&hit.origin.content_type).ok());
    let streamed = content_type
        .as_ref()
        .is_some_and(|content_type| content_type.as_bytes().starts_with(b"text/event-stream"));
    let body = if streamed {
        Body::from_stream(stream::iter(events(body).map(Ok::<_, std::convert::Infallible>)))
    } else {
        Body::from(body)
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        content_type.unwrap_or(HeaderValue::from_static("application/json")),
    );
    if streamed {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        );
    }
    headers.insert(
        HeaderName::from_static("x-brokle-cost"),
        HeaderValue::from_static("0"),
    );
    if let Some(hit) = hit {
        headers.insert(AGE, HeaderValue::from(hit.age.as_secs()));
        if let Some(nearest) = &hit.nearest
            && let Ok(similarity) = HeaderValue::from_str(&format!("{:.4}", nearest.similarity))
        {
            headers.insert(HeaderName::from_static("x-brokle-cache-similarity"), similarity);
        }
    }
    call::describe(headers, &call);
    call.finish(200, None);
    response
}

/// The events of a stream, each with the blank line that ends it.
fn events(mut body: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let end = memchr::memmem::find(&body, b"\n\n").map_or(body.len(), |at| at + 2);
        (end > 0).then(|| body.split_to(end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_told_event_by_event() {
        let body = Bytes::from_static(b"data: 1\n\ndata: 2\n\ndata: [DONE]");
        let events: Vec<Bytes> = events(body).collect();
        assert_eq!(events, ["data: 1\n\n", "data: 2\n\n", "data: [DONE]"]);
    }
}
