//! Stands where ClickHouse's HTTP interface is: an insert is read to its end, counted and answered 200; everything
//! else goes through to a real engine, so that collectors find their tables and settings as they expect them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use bytes::{Buf as _, Bytes};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What arrived.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arrived {
    /// Inserts.
    pub inserts: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Rows, as far as their format says so: Arrow's does.
    pub rows: u64,
    /// When the last insert ended.
    pub last: Option<Instant>,
}

#[derive(Debug, Default)]
struct Counters {
    inserts: AtomicU64,
    bytes: AtomicU64,
    rows: AtomicU64,
    last: Mutex<Option<Instant>>,
}

/// The sink, listening.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    counters: Arc<Counters>,
    task: JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sink {
    /// Listens on loopback, before the engine at `engine_url`.
    pub async fn start(engine_url: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let engine = Arc::new((
            reqwest::Client::new(),
            engine_url.trim_end_matches('/').to_owned(),
        ));
        let task = tokio::spawn(accept(listener, Arc::clone(&counters), engine));
        Ok(Self {
            address,
            counters,
            task,
        })
    }

    /// Its address, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has arrived so far.
    pub fn arrived(&self) -> Arrived {
        Arrived {
            inserts: self.counters.inserts.load(Ordering::Relaxed),
            bytes: self.counters.bytes.load(Ordering::Relaxed),
            rows: self.counters.rows.load(Ordering::Relaxed),
            last: *self.counters.last.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

type Engine = Arc<(reqwest::Client, String)>;

async fn accept(listener: TcpListener, counters: Arc<Counters>, engine: Engine) {
    while let Ok((stream, _)) = listener.accept().await {
        let (counters, engine) = (Arc::clone(&counters), Arc::clone(&engine));
        tokio::spawn(async move {
            let service =
                service_fn(move |request| answer(request, Arc::clone(&counters), Arc::clone(&engine)));
            // A collector that goes away in the middle of a request is no fault of the sink.
            let _ = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    counters: Arc<Counters>,
    engine: Engine,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let query = request.uri().query().unwrap_or_default();
    let is_insert = query.split('&').any(|part| {
        let text = part.strip_prefix("query=").unwrap_or_default();
        text.get(..6)
            .is_some_and(|word| word.eq_ignore_ascii_case("insert"))
    });
    let answer = if is_insert {
        drain(request.into_body(), &counters).await
    } else {
        forward(request, &engine).await
    };
    Ok(answer.unwrap_or_else(|error| {
        let mut response = Response::new(Full::from(error.to_string()));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    }))
}

async fn drain(mut body: Incoming, counters: &Counters) -> Result<Response<Full<Bytes>>> {
    let mut rows = ArrowRows::default();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes += data.len() as u64;
            rows.read(data);
        }
    }
    counters.bytes.fetch_add(bytes, Ordering::Relaxed);
    counters.rows.fetch_add(rows.rows, Ordering::Relaxed);
    *counters.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    counters.inserts.fetch_add(1, Ordering::Relaxed);
    Ok(Response::new(Full::default()))
}

async fn forward(request: Request<Incoming>, engine: &Engine) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let (client, url) = &**engine;
    let target = format!("{url}{}", head.uri);
    let mut headers = head.headers;
    for name in ["host", "content-length", "transfer-encoding", "connection"] {
        headers.remove(name);
    }
    let body = body.collect().await?.to_bytes();
    let sent = client
        .request(head.method, target)
        .headers(headers)
        .body(body)
        .send()
        .await?;
    let (status, mut headers) = (sent.status(), sent.headers().clone());
    headers.remove("transfer-encoding");
    headers.remove("content-length");
    let mut response = Response::new(Full::from(sent.bytes().await?));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Counts the rows of an Arrow stream by the heads of its messages; bodies are skipped. Of anything else it counts
/// none.
#[derive(Default)]
struct ArrowRows {
    rows: u64,
    /// Bytes of a body that are still to come.
    skip: usize,
    head: Vec<u8>,
    is_other: bool,
}

const CONTINUATION: [u8; 4] = [0xff; 4];
const PREFIX_BYTES: usize = 8;
const HEAD_BYTES_MAX: usize = 1 << 20;

impl ArrowRows {
    fn read(&mut self, mut data: Bytes) {
        while data.has_remaining() && !self.is_other {
            let skipped = self.skip.min(data.len());
            self.skip -= skipped;
            data.advance(skipped);
            let taken = self.missing().min(data.len());
            self.head.extend_from_slice(&data[..taken]);
            data.advance(taken);
            if taken > 0 && self.missing() == 0 && self.head.len() > PREFIX_BYTES {
                self.message();
            }
        }
    }

    /// Bytes that the current head still lacks, as far as it is known.
    fn missing(&mut self) -> usize {
        if self.skip > 0 || self.is_other {
            return 0;
        }
        let Some((prefix, metadata)) = self.head.split_first_chunk::<PREFIX_BYTES>() else {
            return PREFIX_BYTES - self.head.len();
        };
        let length =
            usize::try_from(u32::from_le_bytes([prefix[4], prefix[5], prefix[6], prefix[7]])).unwrap_or(0);
        // A length of zero ends the stream.
        if prefix[..4] != CONTINUATION || !(1..=HEAD_BYTES_MAX).contains(&length) {
            self.is_other = true;
            return 0;
        }
        length - metadata.len()
    }

    fn message(&mut self) {
        match arrow_ipc::root_as_message(&self.head[PREFIX_BYTES..]) {
            Ok(message) => {
                let batch = message.header_as_record_batch();
                self.rows += batch.map_or(0, |batch| u64::try_from(batch.length()).unwrap_or(0));
                self.skip = usize::try_from(message.bodyLength()).unwrap_or(0);
            }
            Err(_) => self.is_other = true,
        }
        self.head.clear();
    }
}
