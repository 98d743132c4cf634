//! From a request's head to its response: credentials, a place to run in, a thread, and what comes out of
//! its pipe.
//!
//! Up to a megabyte (or what `buffer_size` says) of a result is held back. A result that fits is answered
//! with its true status and summary; a longer one starts to stream, and an error after that becomes the
//! block that clients look for at the end.

mod result;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use secrecy::SecretString;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::access;
use crate::body::{self, BodyReader};
use crate::engine::{Engine, Registration};
use crate::exception::{Code, Exception};
use crate::execute::execute;
use crate::request::Request;
use result::{Collector, HangUp, Outcome};

/// What the service answers with.
pub(crate) type ResponseBody = UnsyncBoxBody<Bytes, Infallible>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The stack of a query's thread. The engine's parser recurses.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// What every request is answered with.
pub(crate) struct Service {
    pub(crate) engine: Arc<Engine>,
    pub(crate) password: Option<SecretString>,
}

impl Service {
    /// Answers one request.
    pub(crate) async fn respond<B>(&self, parts: Parts, body: B) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let asks = parts.method != http::Method::GET
            || parts.uri.query().is_some_and(|query| query.contains("query="));
        match parts.uri.path() {
            "/ping" | "/replicas_status" => return plain(StatusCode::OK, "Ok.\n"),
            "/" if !asks => return plain(StatusCode::OK, "Ok.\n"),
            "/" => {}
            path => return plain(StatusCode::NOT_FOUND, &format!("There is no handle {path}\n")),
        }
        if let Err(exception) = access::check(&parts, self.password.as_ref()) {
            return self.failure(&exception, "");
        }
        if Request::multipart_boundary(&parts).is_none() {
            return self.answer(Request::read(&parts, None), body).await;
        }
        match self.small_body(body).await {
            Ok(fields) => {
                self.answer(Request::read(&parts, Some(&fields)), Full::default())
                    .await
            }
            Err(exception) => self.failure(&exception, ""),
        }
    }

    /// A body that is read whole before anything is done.
    async fn small_body<B: Body<Data = Bytes, Error: Into<BoxError>> + Send>(
        &self,
        body: B,
    ) -> Result<Bytes, Exception> {
        let limits = &self.engine.limits;
        let limited = std::pin::pin!(http_body_util::Limited::new(body, limits.query_text_max_bytes));
        let collected = timeout(limits.stall_timeout, limited.collect())
            .await
            .map(Result::ok);
        match collected {
            Ok(Some(collected)) => Ok(collected.to_bytes()),
            _ => Err(Exception::new(
                Code::CANNOT_READ_ALL_DATA,
                "The multipart body is too large, or broke off",
            )),
        }
    }

    async fn answer<B>(&self, request: Result<Request, Exception>, body: B) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        match request {
            Ok(request) => {
                let query_id = request.query_id.clone();
                match self.run(request, body).await {
                    Ok(response) => response,
                    Err(exception) => self.failure(&exception, &query_id),
                }
            }
            Err(exception) => self.failure(&exception, ""),
        }
    }

    async fn run<B>(&self, request: Request, mut body: B) -> Result<Response<ResponseBody>, Exception>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let stall_timeout = self.engine.limits.stall_timeout;
        let first = timeout(stall_timeout, first_bytes(&mut body))
            .await
            .unwrap_or_default();
        let place = self.engine.admit(kills(&request, &first)).await?;
        let registration = self.engine.register(&request.query_id)?;
        let hang_up = HangUp {
            engine: Arc::clone(&self.engine),
            running: Arc::clone(registration.running()),
        };
        let (sender, reader) = body::channel();
        tokio::spawn(sender.forward(first, body, stall_timeout));
        let request = Arc::new(request);
        let (output, outcome) = start(Arc::clone(&request), reader, registration, place, &self.engine)
            .map_err(|error| {
                Exception::new(Code::UNKNOWN_EXCEPTION, format!("Cannot start a query: {error}"))
            })?;
        Collector {
            service: self,
            request,
            output,
            outcome,
            hang_up,
        }
        .respond()
        .await
    }

    /// The headers that every answer to a statement has.
    fn head(&self, query_id: &str) -> http::response::Builder {
        let id = HeaderValue::from_str(query_id).unwrap_or(HeaderValue::from_static("?"));
        Response::builder()
            .header("X-ClickHouse-Query-Id", id)
            .header("X-ClickHouse-Server-Display-Name", "brokle")
            .header("X-ClickHouse-Timezone", self.engine.timezone.as_str())
    }

    fn failure(&self, exception: &Exception, query_id: &str) -> Response<ResponseBody> {
        let mut head = self
            .head(query_id)
            .status(exception.status())
            .header("X-ClickHouse-Exception-Code", exception.code)
            .header(CONTENT_TYPE, "text/plain; charset=UTF-8");
        if exception.code == Code::AUTHENTICATION_FAILED as i32 {
            head = head.header(WWW_AUTHENTICATE, "Basic realm=\"ClickHouse server HTTP API\"");
        }
        finish(head, whole(exception.text(&self.engine.version)))
    }
}

/// The first bytes of the body; none when it has none, or fails, which its reader will find out.
async fn first_bytes<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Bytes {
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return data;
        }
    }
    Bytes::new()
}

/// Whether the statement is a `KILL`, which must not wait behind the query it is to end.
fn kills(request: &Request, first: &[u8]) -> bool {
    let text = if request.query.is_empty() {
        first
    } else {
        request.query.as_bytes()
    };
    text.trim_ascii_start()
        .get(..4)
        .is_some_and(|word| word.eq_ignore_ascii_case(b"KILL"))
}

/// Starts the query's thread. Its output is the pipe; its outcome follows the pipe's end.
fn start(
    request: Arc<Request>,
    body: BodyReader,
    registration: Registration,
    place: tokio::sync::OwnedSemaphorePermit,
    engine: &Arc<Engine>,
) -> io::Result<(pipe::Receiver, Outcome)> {
    let (reader, writer) = io::pipe()?;
    let output = pipe::Receiver::from_owned_fd(reader.into())?;
    let (sender, outcome) = oneshot::channel();
    let engine = Arc::clone(engine);
    std::thread::Builder::new()
        .name("engine-query".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let result = execute(&engine, &request, body, writer, registration.running());
            drop(registration);
            drop(place);
            // Nobody waits any more when the client has gone.
            let _ = sender.send(result);
        })?;
    Ok((output, outcome))
}

fn whole(bytes: impl Into<Bytes>) -> ResponseBody {
    Full::new(bytes.into()).boxed_unsync()
}

fn plain(status: StatusCode, text: &str) -> Response<ResponseBody> {
    let head = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/html; charset=UTF-8");
    finish(head, whole(text.to_owned()))
}

/// Builds the response. A header that cannot be one, such as a format's name with a line end, costs the
/// headers and not the connection.
fn finish(head: http::response::Builder, body: ResponseBody) -> Response<ResponseBody> {
    head.body(body).unwrap_or_else(|_| {
        let mut response = Response::new(whole("a response header could not be written\n".to_owned()));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
