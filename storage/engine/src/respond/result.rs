//! A query's output on its way from the pipe to the client.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::{ResponseBody, Service, finish, whole};
use crate::compression::{Encoder, Encoding};
use crate::engine::{Engine, Running};
use crate::exception::{Code, Exception};
use crate::execute::DEFAULT_FORMAT;
use crate::ffi::Statistics;
use crate::request::Request;

/// Chunks of a streamed result between the pipe and the socket.
const CHUNKS_MAX: usize = 2;
const CHUNK_BYTES: usize = 64 * 1024;

/// What a query came to, after its output has ended.
pub(super) type Outcome = oneshot::Receiver<Result<Statistics, Exception>>;

/// Cancels the query when its response is dropped before the end: the client hung up.
pub(super) struct HangUp {
    pub(super) engine: Arc<Engine>,
    pub(super) running: Arc<Running>,
}

impl Drop for HangUp {
    fn drop(&mut self) {
        self.engine.cancel(Arc::clone(&self.running));
    }
}

/// Gathers the output and decides how to answer.
pub(super) struct Collector<'service> {
    pub(super) service: &'service Service,
    pub(super) request: Arc<Request>,
    pub(super) output: pipe::Receiver,
    pub(super) outcome: Outcome,
    pub(super) hang_up: HangUp,
}

impl Collector<'_> {
    pub(super) async fn respond(mut self) -> Result<Response<ResponseBody>, Exception> {
        let limits = &self.service.engine.limits;
        let hold_back = self
            .request
            .response_buffer_bytes
            .min(limits.response_buffer_max_bytes);
        let mut held = Vec::new();
        while held.len() <= hold_back {
            held.reserve(CHUNK_BYTES);
            match self.output.read_buf(&mut held).await {
                Ok(0) => return self.complete(held).await,
                Ok(_) => {}
                Err(error) => return Err(Exception::new(Code::UNKNOWN_EXCEPTION, error)),
            }
        }
        self.stream(held)
    }

    fn head(&self, statistics: &Statistics, tag: &str) -> http::response::Builder {
        let format = self.hang_up.running.format().unwrap_or(DEFAULT_FORMAT);
        let mut head = self
            .service
            .head(&self.request.query_id)
            .header("X-ClickHouse-Format", format)
            .header("X-ClickHouse-Summary", summary(statistics))
            .header("X-ClickHouse-Exception-Tag", tag)
            .header(CONTENT_TYPE, content_type(format));
        if let Some(encoding) = self.request.response_encoding.header() {
            head = head.header(CONTENT_ENCODING, encoding);
        }
        head
    }

    /// The whole result is here.
    async fn complete(mut self, held: Vec<u8>) -> Result<Response<ResponseBody>, Exception> {
        let statistics = received((&mut self.outcome).await)?;
        let start = self.head(&statistics, &exception_tag());
        let empty = held.is_empty() && self.request.response_encoding != Encoding::Identity;
        let body = if empty {
            held
        } else {
            encode_whole(self.request.response_encoding, held).map_err(|error| broken(&error))?
        };
        Ok(finish(start, whole(body)))
    }

    /// The result is longer than what is held back.
    fn stream(self, held: Vec<u8>) -> Result<Response<ResponseBody>, Exception> {
        let tag = exception_tag();
        let start = self.head(&Statistics::default(), &tag);
        let encoder = Encoder::new(self.request.response_encoding).map_err(|error| broken(&error))?;
        let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
        let version = self.service.engine.version.clone();
        let pump = Pump {
            output: self.output,
            outcome: self.outcome,
            hang_up: self.hang_up,
            encoder,
            sender,
        };
        tokio::spawn(pump.run(held, tag, version));
        let frames = ReceiverStream::new(receiver).map(|chunk: Bytes| Ok(Frame::data(chunk)));
        Ok(finish(start, StreamBody::new(frames).boxed_unsync()))
    }
}

/// Moves a long result from its pipe to the socket.
struct Pump {
    output: pipe::Receiver,
    outcome: Outcome,
    hang_up: HangUp,
    encoder: Encoder,
    sender: mpsc::Sender<Bytes>,
}

/// The client went away, or stopped reading.
struct Gone;

impl Pump {
    /// Runs to the end of the result. Leaving early drops `hang_up`, which cancels the query.
    async fn run(mut self, held: Vec<u8>, tag: String, version: String) {
        if self.copy(held).await.is_err() {
            return;
        }
        if let Err(exception) = received((&mut self.outcome).await) {
            let tail = exception.tail(&tag, &version);
            if self.send(tail).await.is_err() {
                return;
            }
        }
        if let Ok(rest) = self.encoder.finish()
            && !rest.is_empty()
        {
            // A client that does not take the last bytes has no use for an error either.
            let _ = self.sender.send(rest.into()).await;
        }
    }

    async fn copy(&mut self, held: Vec<u8>) -> Result<(), Gone> {
        let mut chunk = held;
        loop {
            self.send(chunk).await?;
            chunk = Vec::with_capacity(CHUNK_BYTES);
            match self.output.read_buf(&mut chunk).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(_) => return Err(Gone),
            }
        }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<(), Gone> {
        let encoded = self.encoder.encode(chunk).map_err(|_| Gone)?;
        if encoded.is_empty() {
            return Ok(());
        }
        let stall_timeout = self.hang_up.engine.limits.stall_timeout;
        match timeout(stall_timeout, self.sender.send(encoded.into())).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}

fn received(
    outcome: Result<Result<Statistics, Exception>, oneshot::error::RecvError>,
) -> Result<Statistics, Exception> {
    outcome.unwrap_or_else(|_| {
        Err(Exception::new(
            Code::UNKNOWN_EXCEPTION,
            "The query's thread ended early",
        ))
    })
}

fn broken(error: &io::Error) -> Exception {
    Exception::new(
        Code::UNKNOWN_EXCEPTION,
        format!("Cannot compress the response: {error}"),
    )
}

fn encode_whole(encoding: Encoding, plain: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(encoding)?;
    let mut wire = encoder.encode(plain)?;
    wire.extend(encoder.finish()?);
    Ok(wire)
}

/// Sixteen letters that no result holds by chance.
fn exception_tag() -> String {
    (0..16)
        .map(|_| char::from(b'a' + rand::random_range(0..26_u8)))
        .collect()
}

/// Numbers are strings here, as on a server.
fn summary(statistics: &Statistics) -> String {
    let elapsed_ns = std::time::Duration::try_from_secs_f64(statistics.elapsed_seconds)
        .unwrap_or_default()
        .as_nanos();
    format!(
        "{{\"read_rows\":\"{}\",\"read_bytes\":\"{}\",\"written_rows\":\"{}\",\"written_bytes\":\"{}\",\
         \"total_rows_to_read\":\"0\",\"result_rows\":\"{}\",\"result_bytes\":\"{}\",\"elapsed_ns\":\"{elapsed_ns}\"}}",
        statistics.read_rows,
        statistics.read_bytes,
        statistics.written_rows,
        statistics.written_bytes,
        statistics.result_rows,
        statistics.result_bytes,
    )
}

fn content_type(format: &str) -> &'static str {
    let is = |names: &[&str]| names.contains(&format);
    if is(&[
        "JSONEachRow",
        "JSONLines",
        "NDJSON",
        "JSONCompactEachRow",
        "JSONStringsEachRow",
        "JSONEachRowWithProgress",
    ]) {
        "application/x-ndjson; charset=UTF-8"
    } else if format.starts_with("JSON") {
        "application/json; charset=UTF-8"
    } else if format.starts_with("CSV") {
        "text/csv; charset=UTF-8"
    } else if format.starts_with("TSV") || format.starts_with("TabSeparated") {
        "text/tab-separated-values; charset=UTF-8"
    } else if is(&[
        "Native",
        "RowBinary",
        "RowBinaryWithNames",
        "RowBinaryWithNamesAndTypes",
        "Parquet",
        "Arrow",
        "ORC",
        "Avro",
    ]) || format == "ArrowStream"
    {
        "application/octet-stream"
    } else if format == "XML" {
        "application/xml; charset=UTF-8"
    } else {
        "text/plain; charset=UTF-8"
    }
}
