//! The calls that are no conversation: small, and the same for the same request. Of the misbehaviours, the
//! error statuses apply.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{Behaviour, State};

const BODY_BYTES_MAX: usize = 256 << 20;

/// `POST /v1/{operation}` and `/v1/{group}/{operation}`
pub(super) async fn answer(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX)
        .await
        .unwrap_or_default();
    state.remember(path.clone(), parts.headers, body.clone());
    let request: Value = serde_json::from_slice(&body).unwrap_or_else(|_| form(&body));
    let model = request["model"].as_str().unwrap_or_default();
    if let Behaviour::Status(status) = state.scripted().unwrap_or_else(|| Behaviour::of(model)) {
        let error = json!({ "error": { "message": "as asked", "type": "fake_error", "param": null, "code": "fake" } });
        return respond(status, "application/json", error.to_string());
    }
    let usage = json!({ "prompt_tokens": tokens(&request), "total_tokens": tokens(&request) });
    let answer = match path.rsplit('/').next().unwrap_or_default() {
        "embeddings" => json!({ "object": "list", "model": model, "usage": usage,
            "data": embeddings(&request) }),
        "completions" if request["stream"] == true => return stream(&request),
        "completions" => json!({ "id": "cmpl-fake", "object": "text_completion", "created": 1_700_000_000,
            "model": model, "usage": { "prompt_tokens": tokens(&request), "completion_tokens": 2 },
            "choices": [{ "index": 0, "text": " and so on", "logprobs": null, "finish_reason": "stop" }] }),
        "transcriptions" if request["stream"] == "true" => return transcript_stream(),
        "transcriptions" if request["response_format"] == "text" => {
            return respond(200, "text/plain; charset=utf-8", "You said it.");
        }
        "transcriptions" | "translations" => json!({ "text": "You said it.", "usage": { "type": "tokens",
            "input_tokens": 14, "output_tokens": 4, "total_tokens": 18 } }),
        "embed" => json!({ "id": "fake", "embeddings": { "float": [[0.5, -0.25]] },
            "meta": { "billed_units": { "input_tokens": 3 } } }),
        "invoke" => json!({ "embedding": [0.5, -0.25], "inputTextTokenCount": 3 }),
        last if last.ends_with(":batchEmbedContents") => {
            json!({ "embeddings": [{ "values": [0.5, -0.25] }] })
        }
        last if last.ends_with(":predict") => json!({ "predictions": [{ "embeddings": {
            "values": [0.5, -0.25], "statistics": { "token_count": 3 } } }] }),
        "count_tokens" => json!({ "input_tokens": 7 }),
        "speech" => return respond(200, "audio/mpeg", b"ID3 not quite music \xff\xfb".to_vec()),
        "rerank" => json!({ "id": "rerank-fake", "results": [{ "index": 1, "relevance_score": 0.9 },
            { "index": 0, "relevance_score": 0.1 }] }),
        _ => json!({ "id": "fake", "model": model, "results": [], "data": [] }),
    };
    respond(200, "application/json", answer.to_string())
}

/// The short fields of a form.
fn form(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let parts = text.split("name=\"").skip(1).filter_map(|part| {
        let (name, rest) = part.split_once('"')?;
        let value = rest.strip_prefix("\r\n\r\n")?.split("\r\n--").next()?;
        Some((name.to_owned(), json!(value)))
    });
    Value::Object(parts.collect())
}

fn transcript_stream() -> Response {
    let mut frames = String::new();
    for event in [
        json!({ "type": "transcript.text.delta", "delta": "You said " }),
        json!({ "type": "transcript.text.delta", "delta": "it." }),
        json!({ "type": "transcript.text.done", "text": "You said it.", "usage": { "type": "tokens",
            "input_tokens": 14, "output_tokens": 4, "total_tokens": 18 } }),
    ] {
        let _ = write!(frames, "data: {event}\n\n");
    }
    respond(200, "text/event-stream", frames)
}

/// One for each text, all alike; as numbers, or in base64 where that is what the caller can read.
fn embeddings(request: &Value) -> Vec<Value> {
    let count = request["input"].as_array().map_or(1, Vec::len);
    let embedding = if request["encoding_format"] == "base64" {
        json!("AAAAPwAAgL4=")
    } else {
        json!([0.5, -0.25])
    };
    let entry = |index| json!({ "object": "embedding", "index": index, "embedding": embedding });
    (0..count).map(entry).collect()
}

/// Four bytes are a token.
fn tokens(request: &Value) -> u64 {
    let given = [&request["input"], &request["prompt"]];
    given
        .iter()
        .filter(|value| !value.is_null())
        .map(|value| (value.to_string().len() as u64).div_ceil(4))
        .sum()
}

fn stream(request: &Value) -> Response {
    let chunk = |choices: Value| {
        json!({ "id": "cmpl-fake", "object": "text_completion", "created": 1_700_000_000,
            "model": request["model"], "choices": choices })
    };
    let mut frames = String::new();
    for (text, reason) in [(" and", Value::Null), (" so on", json!("stop"))] {
        let choice = json!([{ "index": 0, "text": text, "logprobs": null, "finish_reason": reason }]);
        let _ = write!(frames, "data: {}\n\n", chunk(choice));
    }
    if request["stream_options"]["include_usage"] == true {
        let mut last = chunk(json!([]));
        last["usage"] = json!({ "prompt_tokens": tokens(request), "completion_tokens": 2 });
        let _ = write!(frames, "data: {last}\n\n");
    }
    frames.push_str("data: [DONE]\n\n");
    respond(200, "text/event-stream", frames)
}

fn respond(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
