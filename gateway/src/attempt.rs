//! One request to one provider, up to the point where its outcome is known: a whole answer, a stream whose
//! first piece has come, or a failure. Until then nothing has reached the caller, so another attempt may
//! follow; a provider that answers 200 and then an error has failed like any other.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::config::{Dialect, TimeoutConfig};
use crate::dialect;
use crate::dialect::door::Door;
use crate::dialect::openai::chunk::{self, Frame, Head};
use crate::dialect::openai::error::{self, ProviderError};
use crate::dialect::openai::reply::Reply;
use crate::dialect::openai::request::ChatRequest;
use crate::dialect::stream::{Piece, Translator};
use crate::provider::SignError;
use crate::record::{Answer, CallRecord, Failure, WholeAnswer};
use crate::route::Target;
use crate::route::retry::FailureClass;
use crate::settings::GatewaySettings;
use crate::upstream::body::{BodyFault, FrameStream, Packing, read_whole};
use crate::upstream::{self, Client};
use crate::wait::RetryAfter;

/// Startup frames held back while waiting for the first piece of an answer.
const HELD_FRAMES_MAX: usize = 64;
const HELD_BYTES_MAX: usize = 256 << 10;
/// The most of an error's body that is read.
const ERROR_BYTES_MAX: usize = 1 << 20;

/// What to send, the same for every attempt of a call.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) request: &'a ChatRequest,
    /// The caller's headers.
    pub(crate) headers: &'a HeaderMap,
    /// How long this call's attempts may take.
    pub(crate) timeouts: TimeoutConfig,
}

/// An attempt that succeeded, so far.
#[derive(Debug)]
pub(crate) enum Success {
    /// All of the answer.
    Whole(Box<Whole>),
    /// The beginning of one.
    Stream(Box<Opened>),
}

/// An answer that is not streamed.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) headers: HeaderMap,
    /// For the caller.
    pub(crate) body: Bytes,
    /// The model that answered, and what it used.
    pub(crate) model: Option<String>,
    pub(crate) usage: Option<brokle_model::usage::TokenUsage>,
    pub(crate) mode: brokle_model::price::Mode,
}

/// A stream whose first piece has come.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) headers: HeaderMap,
    /// What came up to then, for the caller.
    pub(crate) held: Vec<(Frame, Piece)>,
    /// What the provider speaks.
    pub(crate) dialect: Dialect,
    pub(crate) frames: FrameStream,
    /// When the attempt must be over.
    pub(crate) deadline: Instant,
}

/// An attempt that failed before the caller got a byte.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) class: FailureClass,
    pub(crate) message: String,
    /// The status to give the caller.
    pub(crate) status: u16,
    pub(crate) code: String,
    /// The provider's own body, when the caller understands it.
    pub(crate) body: Option<Bytes>,
    pub(crate) headers: HeaderMap,
    pub(crate) retry_after: Option<Duration>,
}

impl Failed {
    fn new(class: FailureClass, status: u16, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            status,
            code: class.as_str().to_owned(),
            body: None,
            headers: HeaderMap::new(),
            retry_after: None,
        }
    }

    /// An error that came inside a 200.
    fn disguised(error: ProviderError) -> Self {
        let class = error.class.refined(&error.code, &error.message);
        let code = if error.code.is_empty() {
            class.as_str().to_owned()
        } else {
            error.code
        };
        Self {
            code,
            ..Self::new(class, error.status, error.message)
        }
    }

    fn fault(fault: &BodyFault) -> Self {
        let status = if matches!(fault, BodyFault::Idle) {
            504
        } else {
            502
        };
        Self::new(fault.class(), status, fault.to_string())
    }

    /// For the span.
    pub(crate) fn record(&self) -> Failure {
        Failure {
            kind: self.class.as_str(),
            message: self.message.clone(),
        }
    }
}

/// Makes the attempt that `record` has begun.
pub(crate) async fn attempt(
    client: &Client,
    settings: &GatewaySettings,
    outgoing: &Outgoing<'_>,
    target: &Target,
    record: &mut CallRecord,
) -> Result<Success, Failed> {
    let started = Instant::now();
    let deadline = started + Duration::from_millis(outgoing.timeouts.total_ms);
    let stream = outgoing.request.stream;
    let wire = target.wire(outgoing.request.door);
    let patience = outgoing.timeouts.first_token_ms;
    let first_by = if stream {
        deadline.min(started + Duration::from_millis(patience))
    } else {
        deadline
    };
    let translated = dialect::request(outgoing.request, target)
        .map_err(|error| Failed::new(FailureClass::Unsupported, 400, error.to_string()))?;
    if let Some(attempt) = record.attempt() {
        attempt.adapted = translated.adapted;
    }
    let body = translated.body;
    let uri = target
        .provider
        .address
        .of_call(wire, outgoing.request.door, &target.model, stream)
        .ok_or_else(|| {
            Failed::new(
                FailureClass::Model,
                404,
                "the provider cannot have a model of that name",
            )
        })?;
    let parts = (&uri, body.clone());
    let mut request = upstream::chat_request(
        &target.provider,
        record,
        outgoing.headers,
        parts,
        (outgoing.request.form.as_ref(), stream),
    );
    if let Some(signer) = &target.provider.signer {
        let now = SystemTime::from(record.started_at) + record.started.elapsed();
        let authorized = timeout_at(first_by, signer.authorize(client, &mut request, &body, now)).await;
        authorized
            .map_err(|_| {
                Failed::new(
                    FailureClass::Timeout,
                    504,
                    "the provider's credential took too long",
                )
            })?
            .map_err(|error| unauthorized(&error))?;
    }
    let response = timeout_at(first_by, client.send(&target.provider, request))
        .await
        .map_err(|_| Failed::new(FailureClass::Timeout, 504, "the provider did not answer in time"))?
        .map_err(|error| send_failure(&error))?;
    note_response(&response, record);
    if !response.status().is_success() {
        let passes = outgoing.request.door.passes(wire);
        return Err(refusal(response, settings, passes, first_by).await);
    }
    if stream && !is_json_type(response.headers()) {
        let deadlines = Deadlines { first_by, deadline };
        let speaks = (outgoing.request.door, wire);
        open_stream(response, settings, (target, speaks), record, deadlines).await
    } else {
        read_answer(response, settings, outgoing.request, target, record, deadline).await
    }
}

/// By when a stream must have begun, and by when it must be over.
#[derive(Clone, Copy)]
struct Deadlines {
    first_by: Instant,
    deadline: Instant,
}

/// There is no credential to call with.
fn unauthorized(error: &SignError) -> Failed {
    match error {
        SignError::Unreachable(_) => Failed::new(FailureClass::Connect, 502, error.to_string()),
        SignError::Aws | SignError::Refused(_) => {
            Failed::new(FailureClass::Credential, 401, error.to_string())
        }
    }
}

fn send_failure(error: &hyper_util::client::legacy::Error) -> Failed {
    if error.is_connect() && upstream::public::is_refused(error) {
        let message = "the provider's address is not a public one; the operator may permit that with \
            `gateway.tenants.private_addresses = true`";
        return Failed::new(FailureClass::Connect, 502, message);
    }
    if error.is_connect() {
        return Failed::new(FailureClass::Connect, 502, "the provider could not be reached");
    }
    Failed::new(
        FailureClass::Server,
        502,
        "the provider closed the connection without an answer",
    )
}

fn note_response(response: &Response<Incoming>, record: &mut CallRecord) {
    let headers = response.headers();
    let request_id = headers
        .get("x-request-id")
        .or_else(|| headers.get("request-id"))
        .or_else(|| headers.get("x-amzn-requestid"))
        .and_then(|id| id.to_str().ok());
    if let Some(attempt) = record.attempt() {
        attempt.status = Some(response.status().as_u16());
        attempt.upstream_request_id = request_id.map(|id| id.chars().take(128).collect());
    }
}

fn is_json_type(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| {
        value
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("application/json")
    })
}

/// Reads an error status and its body, which goes to the caller as it came when `passes`.
async fn refusal(
    response: Response<Incoming>,
    settings: &GatewaySettings,
    passes: bool,
    deadline: Instant,
) -> Failed {
    let (parts, body) = response.into_parts();
    let idle = Duration::from_millis(settings.timeouts.idle_ms);
    let packing = Packing::of(&parts.headers);
    let body = read_whole(body, packing, ERROR_BYTES_MAX, idle, deadline)
        .await
        .unwrap_or_default();
    let said = error::from_body(parts.status.as_u16(), &body);
    let message = if said.message.is_empty() {
        format!("the provider answered {}", parts.status)
    } else {
        said.message
    };
    // A redirect or the like is no answer to a POST.
    let status = if said.status < 400 { 502 } else { said.status };
    let class = said.class.refined(&said.code, &message);
    let code = if said.code.is_empty() {
        class.as_str().to_owned()
    } else {
        said.code
    };
    Failed {
        code,
        body: (passes && error::is_error_body(&body)).then_some(body),
        retry_after: RetryAfter::from_headers(&parts.headers),
        headers: upstream::answer_headers(&parts.headers),
        ..Failed::new(class, status, message)
    }
}

/// Reads an answer that is not streamed.
async fn read_answer(
    response: Response<Incoming>,
    settings: &GatewaySettings,
    request: &ChatRequest,
    target: &Target,
    record: &mut CallRecord,
    deadline: Instant,
) -> Result<Success, Failed> {
    let (door, stream) = (request.door, request.stream);
    let (parts, body) = response.into_parts();
    let idle = Duration::from_millis(if stream {
        settings.timeouts.idle_ms
    } else {
        settings.timeouts.total_ms
    });
    let bytes_max = settings.limits.response_bytes_max;
    let body = read_whole(body, Packing::of(&parts.headers), bytes_max, idle, deadline)
        .await
        .map_err(|fault| Failed::fault(&fault))?;
    if door.answers_bytes() && !is_json_type(&parts.headers) {
        return Ok(Success::Whole(Box::new(Whole {
            status: parts.status,
            content_type: parts.headers.get(CONTENT_TYPE).cloned(),
            headers: upstream::answer_headers(&parts.headers),
            body,
            model: None,
            usage: None,
            mode: brokle_model::price::Mode::default(),
        })));
    }
    let sent = body.clone();
    let body = dialect::answer(request, body, target, record.started_at.timestamp())
        .map_err(|bad| Failed::new(FailureClass::Malformed, 502, bad.to_string()))?;
    match chunk::head(&body) {
        Head::Error(error) => Err(Failed::disguised(error)),
        Head::Malformed => Err(Failed::new(
            FailureClass::Malformed,
            502,
            "the provider's answer is not valid JSON",
        )),
        Head::Answer { .. } if stream => Err(Failed::new(
            FailureClass::Malformed,
            502,
            "the provider answered a streamed request without a stream",
        )),
        Head::Answer { model, usage, mode } => {
            if let Some(attempt) = record.attempt() {
                attempt.answer = Answer::Body(WholeAnswer {
                    body: body.clone(),
                    model: model.clone(),
                    usage,
                    mode,
                });
            }
            let body = if door.passes(target.wire(door)) {
                sent
            } else {
                door.answer(body)
                    .map_err(|bad| Failed::new(FailureClass::Malformed, 502, bad.to_string()))?
            };
            Ok(Success::Whole(Box::new(Whole {
                status: parts.status,
                content_type: parts.headers.get(CONTENT_TYPE).cloned(),
                headers: upstream::answer_headers(&parts.headers),
                body,
                model,
                usage,
                mode,
            })))
        }
    }
}

/// Waits for the first piece of a stream.
async fn open_stream(
    response: Response<Incoming>,
    settings: &GatewaySettings,
    (target, speaks): (&Target, (Door, Dialect)),
    record: &mut CallRecord,
    Deadlines { first_by, deadline }: Deadlines,
) -> Result<Success, Failed> {
    let (parts, body) = response.into_parts();
    let created = record.started_at.timestamp();
    let translator = Translator::new(speaks, &target.model, created);
    let bytes_max = settings.limits.frame_bytes_max;
    let frames = FrameStream::new(body, Packing::of(&parts.headers), bytes_max, translator);
    let mut frames = frames.map_err(|fault| Failed::fault(&fault))?;
    let mut reply = Reply::new(settings.capture.budget());
    let held = hold_back(&mut frames, &mut reply, first_by).await?;
    let since_start = record.started.elapsed();
    if let Some(attempt) = record.attempt() {
        attempt.first_chunk = Some(since_start.saturating_sub(attempt.started));
        attempt.answer = Answer::Streamed(Box::new(reply));
    }
    let headers = upstream::answer_headers(&parts.headers);
    Ok(Success::Stream(Box::new(Opened {
        headers,
        held,
        dialect: speaks.1,
        frames,
        deadline,
    })))
}

/// Collects frames until one carries something of the answer, or so many came that the rest cannot wait.
async fn hold_back(
    frames: &mut FrameStream,
    reply: &mut Reply,
    first_by: Instant,
) -> Result<Vec<(Frame, Piece)>, Failed> {
    let mut held = Vec::new();
    let mut held_bytes = 0;
    loop {
        let piece = timeout_at(first_by, frames.next())
            .await
            .map_err(|_| {
                Failed::new(
                    FailureClass::Timeout,
                    504,
                    "the provider's answer did not begin in time",
                )
            })?
            .map_err(|fault| Failed::fault(&fault))?;
        let Some(piece) = piece else {
            return Err(Failed::fault(&BodyFault::Cut(None)));
        };
        let kind = piece
            .pivot
            .as_ref()
            .map_or(Frame::Comment, |pivot| chunk::inspect(pivot, reply));
        held_bytes += piece.bytes();
        match kind {
            // Not even held: a comment has done its work by having come.
            Frame::Comment if piece.sent.is_none() => continue,
            Frame::Error(error) => return Err(Failed::disguised(error)),
            Frame::Malformed => {
                return Err(Failed::new(
                    FailureClass::Malformed,
                    502,
                    "the provider's stream is not valid JSON",
                ));
            }
            Frame::Done => {
                return Err(Failed::new(
                    FailureClass::Server,
                    502,
                    "the provider's stream ended without an answer",
                ));
            }
            Frame::Comment | Frame::Usage | Frame::Startup | Frame::Content => {}
        }
        let is_content = kind == Frame::Content;
        held.push((kind, piece));
        if is_content || held.len() >= HELD_FRAMES_MAX || held_bytes >= HELD_BYTES_MAX {
            return Ok(held);
        }
    }
}
