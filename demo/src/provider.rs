//! A model provider that is not one: it speaks several wire formats on a loopback port, gives the same
//! answer to the same request every time, and misbehaves when asked to, by the model's name (see
//! [`behaviour::Behaviour`]) or by a script. It remembers what it was sent, and who hung up on it.
//!
//! It costs nothing and needs no key, so it also stands in for a provider in `brokle demo`. Deliberately
//! absent: any likeness to a language model; what it says beyond repeating comes from its [`Voice`].

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use http::HeaderMap;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub mod behaviour;

mod answer;
mod chat;
mod frames;
mod models;
mod operations;
mod speech;
mod stored;

pub use behaviour::Behaviour;

/// Requests remembered; older ones are forgotten, so that a long demo does not grow.
const REMEMBERED_MAX: usize = 10_000;

/// Is told what a provider meets, as it happens, for those who cannot keep it all.
pub trait Observer: Send + Sync + std::fmt::Debug {
    /// A request has come, and is about to be met.
    fn arrived(&self, request: &SeenRequest);
    /// The caller has closed the connection before the answer was complete.
    fn hung_up(&self, request: &SeenRequest, at: Instant);
}

/// Finds words of its own for what was said last; without any, what was said is repeated back.
pub type Voice = fn(&str) -> Option<String>;

/// A running fake provider. It stops when dropped.
#[derive(Debug)]
pub struct FakeProvider {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// One request, as the provider saw it.
#[derive(Debug, Clone)]
pub struct SeenRequest {
    /// Its number, from 0.
    pub number: u64,
    /// Path and query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, byte for byte.
    pub body: bytes::Bytes,
    /// When the caller closed the connection before the answer was complete.
    pub hung_up_at: Option<Instant>,
    /// Frames that the caller's connection has taken.
    pub frames_taken: u64,
}

impl SeenRequest {
    /// A header's text, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON, `null` when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What the handlers share.
#[derive(Debug)]
struct State {
    /// Numbered without gaps.
    seen: Mutex<VecDeque<SeenRequest>>,
    script: Mutex<VecDeque<Behaviour>>,
    /// Files and batches, everybody's.
    kept: Mutex<Vec<stored::Kept>>,
    /// Pause between the frames of a stream.
    pace: Duration,
    voice: Voice,
    observer: Option<Arc<dyn Observer>>,
    changed: watch::Sender<()>,
}

impl FakeProvider {
    /// Starts on a free loopback port, answering as fast as it can.
    ///
    /// # Panics
    /// When there is no free loopback port: without one there is no test.
    #[expect(clippy::expect_used, reason = "without a loopback port there is no test")]
    pub async fn start() -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_on(anywhere, Duration::ZERO)
            .await
            .expect("a loopback port is free")
    }

    /// Starts on `address`, with a pause of `pace` between the frames of a stream.
    pub async fn start_on(address: SocketAddr, pace: Duration) -> io::Result<Self> {
        Self::start_with_voice(address, pace, |_| None).await
    }

    /// The same, with something to say; a whole answer takes as long as the same answer streamed.
    pub async fn start_with_voice(address: SocketAddr, pace: Duration, voice: Voice) -> io::Result<Self> {
        Self::start_as(address, pace, voice, None).await
    }

    /// Starts on `address`, and tells `observer` what comes.
    pub async fn start_observed(address: SocketAddr, observer: Arc<dyn Observer>) -> io::Result<Self> {
        Self::start_as(address, Duration::ZERO, |_| None, Some(observer)).await
    }

    async fn start_as(
        address: SocketAddr,
        pace: Duration,
        voice: Voice,
        observer: Option<Arc<dyn Observer>>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            seen: Mutex::default(),
            script: Mutex::default(),
            kept: Mutex::default(),
            pace,
            voice,
            observer,
            changed: watch::channel(()).0,
        });
        let router = Router::new()
            .route("/v1/chat/completions", post(chat::completions))
            .route("/v1/messages", post(chat::messages))
            .route("/v1/models/{call}", post(chat::generate))
            .route("/v1/publishers/google/models/{call}", post(chat::generate))
            .route(
                "/v1/publishers/anthropic/models/{call}",
                post(chat::claude_on_vertex),
            )
            .route("/v1/endpoints/openapi/chat/completions", post(chat::completions))
            .route("/v1/model/{model}/{method}", post(chat::converse))
            .route("/v1/files", get(stored::list).post(stored::upload))
            .route("/v1/batches", get(stored::list).post(stored::create_batch))
            .route("/v1/files/{id}/content", get(stored::content))
            .route("/v1/{group}/{operation}/cancel", post(stored::one))
            .route("/v1/chat", post(chat::cohere))
            .route("/v1/responses", post(chat::responses))
            .route("/v1/{operation}", post(operations::answer))
            .route(
                "/v1/{group}/{operation}",
                post(operations::answer).get(stored::one).delete(stored::one),
            )
            .route("/v1/models", get(models::list))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(Arc::clone(&state));
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, state, task })
    }

    /// What to configure as the provider's address: `http://127.0.0.1:port/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was sent so far, oldest first.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.state.seen().iter().cloned().collect()
    }

    /// Makes the next requests meet these behaviours, one each, whatever models they name.
    pub fn script(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        let mut script = self.state.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.extend(behaviours);
    }

    /// Waits until some request satisfies `condition`; `None` when none has by `deadline`.
    pub async fn wait_for(
        &self,
        deadline: Duration,
        condition: impl Fn(&SeenRequest) -> bool,
    ) -> Option<SeenRequest> {
        let mut changed = self.state.changed.subscribe();
        let search = async {
            loop {
                if let Some(found) = self.requests().into_iter().find(|request| condition(request)) {
                    return Some(found);
                }
                changed.changed().await.ok()?;
            }
        };
        tokio::time::timeout(deadline, search).await.ok().flatten()
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    fn seen(&self) -> MutexGuard<'_, VecDeque<SeenRequest>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<stored::Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request; gives its number.
    fn remember(&self, path: String, headers: HeaderMap, body: bytes::Bytes) -> u64 {
        let mut seen = self.seen();
        let number = seen.back().map_or(0, |last| last.number + 1);
        let request = SeenRequest {
            number,
            path,
            headers,
            body,
            hung_up_at: None,
            frames_taken: 0,
        };
        if seen.len() == REMEMBERED_MAX {
            seen.pop_front();
        }
        seen.push_back(request.clone());
        drop(seen);
        if let Some(observer) = &self.observer {
            observer.arrived(&request);
        }
        self.changed.send_replace(());
        number
    }

    fn update(&self, number: u64, change: impl FnOnce(&mut SeenRequest)) {
        let mut seen = self.seen();
        let first = seen.front().map_or(0, |first| first.number);
        let place = number
            .checked_sub(first)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(request) = place.and_then(|place| seen.get_mut(place)) {
            change(request);
        }
        drop(seen);
        self.changed.send_replace(());
    }

    fn scripted(&self) -> Option<Behaviour> {
        self.script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}

/// Notes that the caller hung up, unless the answer was completed first.
struct Watch {
    state: Arc<State>,
    number: u64,
    complete: bool,
}

impl Watch {
    fn new(state: &Arc<State>, number: u64) -> Self {
        Self {
            state: Arc::clone(state),
            number,
            complete: false,
        }
    }

    fn complete(&mut self) {
        self.complete = true;
    }

    fn took_frame(&self) {
        self.state
            .update(self.number, |request| request.frames_taken += 1);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.complete {
            let now = Instant::now();
            let mut hung_up = None;
            self.state.update(self.number, |request| {
                request.hung_up_at = Some(now);
                hung_up = Some(request.clone());
            });
            if let (Some(observer), Some(request)) = (&self.state.observer, hung_up) {
                observer.hung_up(&request, now);
            }
        }
    }
}
