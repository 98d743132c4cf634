//! `POST /v1/messages/count_tokens`: asked of a provider of Anthropic's format, and counted here for every other,
//! by the rules of `tokens.rs`. `x-brokle-token-count` says which it was.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::chat::complete;
use crate::call;
use crate::config::Dialect;
use crate::dialect::door::{Door, ErrorWords};
use crate::dialect::openai::request::ChatRequest;
use crate::dialect::operation::Operation;
use crate::error::error_response;
use crate::record::{CallGuard, Failure};
use crate::route::Candidates;
use crate::shared::Shared;
use crate::tokens;

/// What a message costs besides its content, by `OpenAI`'s own account of its format.
const TOKENS_PER_MESSAGE: u64 = 4;
/// What begins the answer.
const TOKENS_TO_BEGIN: u64 = 3;
/// A picture or a page: the most that Anthropic counts for a picture before it shrinks it.
const TOKENS_PER_PICTURE: u64 = 1600;

/// Counts the tokens of a message, without asking a model.
///
/// A provider of Anthropic's format is asked. For any other the gateway counts: exactly for the text of `OpenAI`'s
/// models, as an estimate for others; pictures and documents are 1600 tokens each. `x-brokle-token-count` says
/// `provider`, the vocabulary's name, or `estimate`.
#[utoipa::path(
    post,
    path = "/v1/messages/count_tokens",
    tag = "gateway",
    request_body(content = serde_json::Value, content_type = "application/json",
        description = "Anthropic's Messages request; `max_tokens` may be left out"),
    responses(
        (status = 200, description = "`input_tokens`", body = serde_json::Value),
        (status = 400, description = "The request is wrong", body = serde_json::Value),
        (status = 401, description = "The key is not good", body = serde_json::Value),
        (status = 404, description = "Nothing has that model's name", body = serde_json::Value),
        (status = 413, description = "The request is too large", body = serde_json::Value),
        (status = 502, description = "The provider failed", body = serde_json::Value),
    ),
    security(("api_key" = []))
)]
pub(super) async fn count_tokens(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let mut response = complete(shared, Door::Other(Operation::CountTokens), request).await;
    if response.status().is_success() {
        let headers = response.headers_mut();
        headers
            .entry(HeaderName::from_static("x-brokle-token-count"))
            .or_insert(HeaderValue::from_static("provider"));
    }
    response
}

/// Whether the gateway has to count: the provider that the call would go to has no such call.
pub(super) fn is_ours(door: Door, candidates: &Candidates) -> bool {
    door == Door::Other(Operation::CountTokens)
        && candidates
            .targets
            .first()
            .is_some_and(|target| target.provider.dialect != Dialect::Anthropic)
}

/// Counts, and answers.
pub(super) async fn answer(call: CallGuard, request: ChatRequest) -> Response {
    let door = call.door;
    let body = request.body.clone();
    let counted = tokens::apart(&tokens::CALLERS, move || count(&body, &request.model)).await;
    let (status, mut response) = match counted {
        Ok(Ok((tokens, method))) => {
            let mut response = Response::new(Body::from(json!({ "input_tokens": tokens }).to_string()));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(
                HeaderName::from_static("x-brokle-token-count"),
                HeaderValue::from_static(method),
            );
            (Ok(()), response)
        }
        Ok(Err(message)) => refused(door, 400, "invalid_value", &message),
        Err(_) => refused(
            door,
            500,
            "internal",
            "the tokens could not be counted; try again",
        ),
    };
    call::describe(response.headers_mut(), &call);
    call.finish(response.status().as_u16(), status.err());
    response
}

fn refused(door: Door, status: u16, code: &'static str, message: &str) -> (Result<(), Failure>, Response) {
    let failure = Failure {
        kind: code,
        message: message.to_owned(),
    };
    let words = ErrorWords {
        status,
        message,
        param: None,
        code,
    };
    (Err(failure), error_response(door, words))
}

/// The tokens of a Messages request, and how they were counted.
fn count(body: &Bytes, model: &str) -> Result<(u64, &'static str), String> {
    let (fields, _) = Door::Messages
        .pivot(body)
        .map_err(|refused| refused.to_string())?;
    let messages = fields
        .get("messages")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut tokens = TOKENS_TO_BEGIN;
    for message in messages {
        tokens += TOKENS_PER_MESSAGE + content(&message["content"], model);
        tokens += called(&message["tool_calls"], model);
    }
    for tool in fields
        .get("tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        tokens += tokens::count(&tool["function"].to_string(), model);
    }
    Ok((tokens, tokens::method(model).as_str()))
}

fn content(content: &Value, model: &str) -> u64 {
    match content {
        Value::String(text) => tokens::count(text, model),
        Value::Array(parts) => parts
            .iter()
            .map(|part| match part["text"].as_str() {
                Some(text) => tokens::count(text, model),
                None => TOKENS_PER_PICTURE,
            })
            .sum(),
        _ => 0,
    }
}

fn called(calls: &Value, model: &str) -> u64 {
    let calls = calls.as_array().into_iter().flatten();
    calls
        .map(|call| tokens::count(&call["function"].to_string(), model))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_tools_and_pictures_all_count() {
        let count = |body: Value| count(&Bytes::from(body.to_string()), "gpt-4o").unwrap();
        let plain = json!({ "model": "gpt-4o", "messages": [{ "role": "user", "content": "hello world" }] });
        assert_eq!(count(plain.clone()), (3 + 4 + 2, "o200k_base"));
        let mut with_system = plain.clone();
        with_system["system"] = json!("hello world");
        assert_eq!(count(with_system).0, 3 + 2 * (4 + 2));
        let mut with_tool = plain.clone();
        with_tool["tools"] = json!([{ "name": "weather", "input_schema": { "type": "object" } }]);
        assert!(count(with_tool).0 > count(plain.clone()).0 + 5);
        let mut with_picture = plain;
        with_picture["messages"][0]["content"] = json!([{ "type": "image", "source": {
            "type": "base64", "media_type": "image/png", "data": "AAAA" } }]);
        assert_eq!(count(with_picture).0, 3 + 4 + TOKENS_PER_PICTURE);
    }

    #[test]
    fn a_body_that_is_no_message_is_refused() {
        assert!(count(&Bytes::from_static(b"{\"model\":\"m\",\"messages\":7}"), "m").is_err());
    }
}
