//! The provider: `OpenAI`'s chat form, with bytes made ahead. A body is read to its end and looked at for one thing
//! only, whether a stream is asked for. Streams come at once, or piece by piece; each piece then says when it left.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

use super::nanoseconds;

/// Events of a stream: the role, the pieces, the reason of its end, what was used, and the end mark.
pub const EVENTS: usize = PIECES + 4;
/// Events with something of the answer.
pub const PIECES: usize = 19;
/// What an answer that is not streamed says.
pub const SAID: &str = "forty-two, and not a word more";

const USAGE: &str = r#"{"prompt_tokens":310,"completion_tokens":19,"total_tokens":329}"#;

#[derive(Debug, Default)]
struct State {
    calls: AtomicU64,
    pace_us: AtomicU64,
    whole: Bytes,
    stream: Vec<Bytes>,
}

/// The provider, answering on a thread of its own. It ends with the value.
#[derive(Debug)]
pub struct Mock {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Mock {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say when it failed.
            let _ = thread.join();
        }
    }
}

impl Mock {
    /// Listens on loopback.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            whole: whole(),
            stream: (0..EVENTS).map(|at| event(at, at as u64)).collect(),
            ..State::default()
        });
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(&listener, &shared) => {}
                    _ = stopped => {}
                }
            });
        };
        let thread = thread::Builder::new().name("provider".into()).spawn(serve)?;
        Ok(Self {
            address,
            state,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Its base URL, as `OpenAI`'s clients take it.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.state.calls.load(Ordering::Relaxed)
    }

    /// From now on, streams have this much time between two pieces.
    pub fn set_pace(&self, pace: Duration) {
        let pace_us = u64::try_from(pace.as_micros()).unwrap_or(u64::MAX);
        self.state.pace_us.store(pace_us, Ordering::Relaxed);
    }
}

async fn accept(listener: &TcpListener, state: &Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let state = Arc::clone(state);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&state)));
            // A gateway that goes away in the middle is no fault of the provider.
            let _ = Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Said>, Infallible> {
    let mut body = request.into_body();
    let mut is_stream = false;
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            is_stream |= asks_for_stream(&data);
        }
    }
    state.calls.fetch_add(1, Ordering::Relaxed);
    let pace_us = state.pace_us.load(Ordering::Relaxed);
    let (kind, said) = if is_stream {
        let pace = (pace_us > 0).then_some(Duration::from_micros(pace_us));
        ("text/event-stream", Said::stream(state, pace))
    } else {
        ("application/json", Said::Whole(Some(state.whole.clone())))
    };
    let mut response = Response::new(said);
    let kind = hyper::header::HeaderValue::from_static(kind);
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    Ok(response)
}

/// Bodies of streams are small, so the field is never cut in two.
fn asks_for_stream(data: &[u8]) -> bool {
    [&br#""stream":true"#[..], br#""stream": true"#]
        .iter()
        .any(|field| memchr::memmem::find(data, field).is_some())
}

/// The body of an answer.
enum Said {
    Whole(Option<Bytes>),
    Stream {
        state: Arc<State>,
        at: usize,
        pace: Option<Duration>,
        pause: Pin<Box<Sleep>>,
    },
}

impl Said {
    fn stream(state: Arc<State>, pace: Option<Duration>) -> Self {
        Self::Stream {
            state,
            at: 0,
            pace,
            pause: Box::pin(sleep(pace.unwrap_or_default())),
        }
    }
}

impl Body for Said {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (state, at, pace, pause) = match self.get_mut() {
            Self::Whole(bytes) => return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream {
                state,
                at,
                pace,
                pause,
            } => (state, at, pace, pause),
        };
        let Some(ready) = state.stream.get(*at) else {
            return Poll::Ready(None);
        };
        let frame = match *pace {
            Some(pace) if (1..=PIECES).contains(at) => {
                // The first piece follows the role at once.
                if *at > 1 {
                    std::task::ready!(pause.as_mut().poll(context));
                }
                let next = pause.deadline().max(tokio::time::Instant::now() - pace) + pace;
                pause.as_mut().reset(next);
                event(*at, nanoseconds())
            }
            _ => ready.clone(),
        };
        *at += 1;
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(bytes) => {
                hyper::body::SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Stream { .. } => hyper::body::SizeHint::default(),
        }
    }
}

fn whole() -> Bytes {
    Bytes::from(format!(
        r#"{{"id":"chatcmpl-BenchBenchBench","object":"chat.completion","created":1795000000,"model":"gpt-4o-mini","choices":[{{"index":0,"message":{{"role":"assistant","content":"{SAID}"}},"finish_reason":"stop"}}],"usage":{USAGE}}}"#
    ))
}

/// One event; a piece's text is `number`.
fn event(at: usize, number: u64) -> Bytes {
    let choice = match at {
        0 => r#"[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]"#.to_owned(),
        at if at <= PIECES => {
            format!(r#"[{{"index":0,"delta":{{"content":"{number:016}"}},"finish_reason":null}}]"#)
        }
        at if at == PIECES + 1 => r#"[{"index":0,"delta":{},"finish_reason":"stop"}]"#.to_owned(),
        at if at == PIECES + 2 => format!(r#"[],"usage":{USAGE}"#),
        _ => return Bytes::from_static(b"data: [DONE]\n\n"),
    };
    Bytes::from(
        format!(
            r#"data: {{"id":"chatcmpl-BenchBenchBench","object":"chat.completion.chunk","created":1795000000,"model":"gpt-4o-mini","choices":{choice}}}"#
        ) + "\n\n",
    )
}
