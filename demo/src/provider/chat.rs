//! `POST /v1/chat/completions`, and the same in the other wire formats: each door differs by its [`Speech`].

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::answer::Answer;
use super::frames::{self, End, Script};
use super::speech::Speech;
use super::{Behaviour, State, Watch, operations};

const SLOW: Duration = Duration::from_millis(100);
/// The longest pause before a whole answer.
const THINKING_MAX: Duration = Duration::from_secs(4);
const BODY_BYTES_MAX: usize = 256 << 20;

/// `OpenAI`'s door.
pub(super) async fn completions(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, Infallible> {
    complete(state, request, |request| Speech::Openai {
        include_usage: request["stream_options"]["include_usage"] == true,
    })
    .await
}

/// Anthropic's door.
pub(super) async fn messages(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, Infallible> {
    complete(state, request, |_| Speech::Anthropic).await
}

/// Google's door: the model and the method are in the path.
pub(super) async fn generate(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, Infallible> {
    let path = request.uri().path();
    if path.ends_with(":batchEmbedContents") || path.ends_with(":predict") {
        return Ok(operations::answer(Shared(state), request).await);
    }
    complete(state, request, |_| Speech::Gemini).await
}

/// Vertex's door for Claude: the model and the method are in the path.
pub(super) async fn claude_on_vertex(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, Infallible> {
    complete(state, request, |_| Speech::Anthropic).await
}

/// Bedrock's door: the model and the method are in the path.
pub(super) async fn converse(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, Infallible> {
    if request.uri().path().ends_with("/invoke") {
        return Ok(operations::answer(Shared(state), request).await);
    }
    complete(state, request, |_| Speech::Bedrock).await
}

/// The door of `OpenAI`'s Responses.
pub(super) async fn responses(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, Infallible> {
    complete(state, request, |_| Speech::Responses).await
}

/// Cohere's door.
pub(super) async fn cohere(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, Infallible> {
    complete(state, request, |_| Speech::Cohere).await
}

async fn complete(
    state: Arc<State>,
    request: Request,
    speech: impl FnOnce(&Value) -> Speech,
) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.to_string();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX)
        .await
        .unwrap_or_default();
    let number = state.remember(path.clone(), parts.headers, body.clone());
    let mut watch = Watch::new(&state, number);
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let speech = speech(&request);
    let request = speech.understand(request, &path);
    let behaviour = state
        .scripted()
        .unwrap_or_else(|| Behaviour::of(request["model"].as_str().unwrap_or_default()));
    if let Some(refusal) = refuse(behaviour, &request, speech) {
        watch.complete();
        return Ok(refusal);
    }
    if behaviour == Behaviour::Hang {
        std::future::pending::<()>().await;
    }
    let answer = Answer::to(&request, number, state.voice);
    if request["stream"] == true && behaviour != Behaviour::Plain {
        return Ok(stream(&state, watch, answer, speech, behaviour));
    }
    let pause = if behaviour == Behaviour::Slow {
        SLOW
    } else {
        state.pace.saturating_mul(answer.words()).min(THINKING_MAX)
    };
    tokio::time::sleep(pause).await;
    Ok(plain(watch, &answer, speech, behaviour))
}

/// The behaviours that are an error status.
fn refuse(behaviour: Behaviour, request: &Value, speech: Speech) -> Option<Response> {
    let error = |status: u16, code: &str, message: &str| {
        let body = speech.error(status, code, message);
        Some(json_response(status, Bytes::from(body.to_string())))
    };
    let mut response = match behaviour {
        Behaviour::Status(404) | Behaviour::UnknownModel => {
            error(404, "model_not_found", "The model does not exist")
        }
        Behaviour::Status(401) => error(401, "invalid_api_key", "Incorrect API key provided: sk-fa**ke"),
        Behaviour::Status(429) | Behaviour::LongWait => {
            error(429, "rate_limit_exceeded", "Rate limit reached")
        }
        Behaviour::Status(status) => {
            error(status, "fake_failure", &format!("Failing with {status} as asked"))
        }
        Behaviour::NoStreamOptions if request.get("stream_options").is_some() => error(
            400,
            "unknown_parameter",
            "Unrecognized request argument supplied: stream_options",
        ),
        Behaviour::Html => {
            let mut page = json_response(502, Bytes::from_static(b"<html><h1>502 Bad Gateway</h1></html>"));
            page.headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
            Some(page)
        }
        _ => None,
    }?;
    let wait = match behaviour {
        Behaviour::LongWait => Some(("retry-after", "120")),
        Behaviour::Status(429) => Some(("retry-after-ms", "20")),
        _ => None,
    };
    if let Some((name, value)) = wait {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Some(response)
}

/// A whole answer, or what the behaviour makes of it.
fn plain(mut watch: Watch, answer: &Answer, speech: Speech, behaviour: Behaviour) -> Response {
    // Spaced as no serialiser would, to show whether the bytes are left alone.
    let body = serde_json::to_string_pretty(&speech.body(answer)).unwrap_or_default();
    let error = matches!(behaviour, Behaviour::OkThenError | Behaviour::ErrorAfterContent);
    let body = Bytes::from(if error {
        speech.overloaded().to_string()
    } else {
        body
    });
    match behaviour {
        Behaviour::Malformed | Behaviour::MalformedLater => {
            watch.complete();
            json_response(200, Bytes::from_static(b"{\"choices\": oops"))
        }
        Behaviour::Cut | Behaviour::CutEarly | Behaviour::CutFrame | Behaviour::EndEarly => {
            let (sender, receiver) = mpsc::channel(2);
            let _ = sender.try_send(Ok(body.slice(..body.len() / 2)));
            let _ = sender.try_send(Err(io::ErrorKind::ConnectionAborted.into()));
            watch.complete();
            stream_response(receiver, "application/json", false)
        }
        Behaviour::HangBody | Behaviour::Stall => {
            let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(1);
            let _ = sender.try_send(Ok(body.slice(..body.len() / 2)));
            tokio::spawn(async move {
                sender.closed().await;
                drop(watch);
            });
            stream_response(receiver, "application/json", false)
        }
        Behaviour::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            let _ = io::Write::write_all(&mut encoder, &body);
            watch.complete();
            let mut response = json_response(200, Bytes::from(encoder.finish().unwrap_or_default()));
            response
                .headers_mut()
                .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        }
        _ => {
            watch.complete();
            json_response(200, body)
        }
    }
}

/// Writes a script, as fast as it is taken or as slowly as asked.
fn stream(
    state: &Arc<State>,
    watch: Watch,
    answer: Answer,
    speech: Speech,
    behaviour: Behaviour,
) -> Response {
    let script = frames::script(&answer, behaviour, speech);
    let (sender, receiver) = mpsc::channel(1);
    let pace = if behaviour == Behaviour::Slow {
        SLOW
    } else {
        state.pace
    };
    tokio::spawn(write(sender, watch, (answer, speech), script, pace));
    stream_response(
        receiver,
        if speech == Speech::Bedrock {
            "application/vnd.amazon.eventstream"
        } else {
            "text/event-stream; charset=utf-8"
        },
        behaviour == Behaviour::Gzip,
    )
}

async fn write(
    sender: mpsc::Sender<io::Result<Bytes>>,
    mut watch: Watch,
    (answer, speech): (Answer, Speech),
    script: Script,
    pace: Duration,
) {
    for bytes in script.writes {
        if !send(&sender, &watch, bytes, pace).await {
            return;
        }
    }
    match script.end {
        End::Close => watch.complete(),
        End::Break => {
            watch.complete();
            let _ = sender.send(Err(io::ErrorKind::ConnectionAborted.into())).await;
        }
        End::Silence => sender.closed().await,
        End::Words(pace, length) => {
            let mut number = 0;
            while send(
                &sender,
                &watch,
                frames::word(&answer, speech, number, length),
                pace,
            )
            .await
            {
                number += 1;
            }
        }
    }
}

/// Whether the caller is still there.
async fn send(sender: &mpsc::Sender<io::Result<Bytes>>, watch: &Watch, bytes: Bytes, pace: Duration) -> bool {
    if !pace.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(pace) => {}
            () = sender.closed() => return false,
        }
    }
    let taken = sender.send(Ok(bytes)).await.is_ok();
    if taken {
        watch.took_frame();
    }
    taken
}

fn stream_response(
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    content_type: &'static str,
    gzip: bool,
) -> Response {
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(receiver)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        HeaderName::from_static("x-request-id"),
        HeaderValue::from_static("req_fake"),
    );
    headers.insert(
        HeaderName::from_static("x-ratelimit-remaining-requests"),
        HeaderValue::from_static("99"),
    );
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn json_response(status: u16, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        HeaderName::from_static("x-request-id"),
        HeaderValue::from_static("req_fake"),
    );
    headers.insert(
        HeaderName::from_static("x-ratelimit-remaining-requests"),
        HeaderValue::from_static("99"),
    );
    response
}
