//! An OTLP/HTTP endpoint that does as it is told: refuses, hangs up, hangs, or takes what it is sent.

use std::collections::{HashSet, VecDeque};
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::net::TcpListener;

/// What is answered instead of a plain yes.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// This status, with this `Retry-After`.
    Status(u16, Option<&'static str>),
    /// The connection ends in the middle of the answer.
    Cut,
    /// So many items are refused.
    Partial(i64),
}

#[derive(Default)]
struct Memory {
    replies: VecDeque<Reply>,
    poison: HashSet<u64>,
    hangs: bool,
    taken: Vec<u64>,
    times: Vec<Instant>,
}

pub(super) struct Destination {
    address: SocketAddr,
    memory: Arc<Mutex<Memory>>,
}

impl Destination {
    pub(super) async fn start() -> Self {
        let memory = Arc::new(Mutex::new(Memory::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&memory));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, memory }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The reply to one more export.
    pub(super) fn will(&self, reply: Reply) {
        self.memory.lock().unwrap().replies.push_back(reply);
    }

    /// Exports with this span are refused for good.
    pub(super) fn poison(&self, number: u64) {
        self.memory.lock().unwrap().poison.insert(number);
    }

    /// Nothing is answered any more.
    pub(super) fn hang(&self) {
        self.memory.lock().unwrap().hangs = true;
    }

    /// The spans of all exports that were answered with yes.
    pub(super) fn taken(&self) -> Vec<u64> {
        self.memory.lock().unwrap().taken.clone()
    }

    /// When exports came.
    pub(super) fn times(&self) -> Vec<Instant> {
        self.memory.lock().unwrap().times.clone()
    }
}

async fn answer(State(memory): State<Arc<Mutex<Memory>>>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers[header::CONTENT_TYPE], "application/x-protobuf");
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&body[..])
        .read_to_end(&mut plain)
        .unwrap();
    let names = super::names(&plain);
    let (reply, is_poisoned, hangs) = {
        let mut memory = memory.lock().unwrap();
        memory.times.push(Instant::now());
        let is_poisoned = names.iter().any(|name| memory.poison.contains(name));
        (memory.replies.pop_front(), is_poisoned, memory.hangs)
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    match reply {
        Some(Reply::Status(status, retry_after)) => {
            let mut response = StatusCode::from_u16(status).unwrap().into_response();
            if let Some(seconds) = retry_after {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, seconds.parse().unwrap());
            }
            response
        }
        Some(Reply::Cut) => {
            let broken = futures_util::stream::iter([
                Ok(Bytes::from_static(b"\x0a")),
                Err(std::io::Error::other("cut")),
            ]);
            Body::from_stream(broken).into_response()
        }
        Some(Reply::Partial(rejected)) => {
            let partial = ExportTracePartialSuccess {
                rejected_spans: rejected,
                error_message: "not these".to_owned(),
            };
            let answer = ExportTraceServiceResponse {
                partial_success: Some(partial),
            };
            answer.encode_to_vec().into_response()
        }
        None if is_poisoned => StatusCode::BAD_REQUEST.into_response(),
        None => {
            memory.lock().unwrap().taken.extend(names);
            StatusCode::OK.into_response()
        }
    }
}
