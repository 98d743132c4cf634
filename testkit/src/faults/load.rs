//! Senders that go on whatever happens, and note which spans were acknowledged.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::{Client, StatusCode};
use tokio::task::JoinSet;

use crate::otlp;

const TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);
/// Requests that an open load may have under way.
const OPEN_MAX: usize = 2_000;

/// What the senders know.
#[derive(Debug, Default, Clone)]
pub struct Told {
    /// Acknowledged span ids.
    pub acknowledged: BTreeSet<u64>,
    /// Requests sent again because there was no acknowledgement.
    pub resent: usize,
    /// Answers that were no acknowledgement.
    pub refused: usize,
}

/// Where and how to send.
#[derive(Debug)]
pub struct Target {
    url: Mutex<String>,
    key: String,
    numbers: AtomicU64,
    told: Mutex<Told>,
    stop: AtomicBool,
    /// Bytes of an attribute on every span.
    filler: usize,
}

impl Target {
    /// Sends to OTLP/HTTP at `url`.
    pub fn new(url: &str, key: &str, filler: usize) -> Arc<Self> {
        Arc::new(Self {
            url: Mutex::new(url.to_owned()),
            key: key.to_owned(),
            numbers: AtomicU64::new(1),
            told: Mutex::default(),
            stop: AtomicBool::new(false),
            filler,
        })
    }

    /// The server listens elsewhere now.
    pub fn moved_to(&self, url: &str) {
        url.clone_into(&mut self.url.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What is known so far.
    pub fn told(&self) -> Told {
        self.lock().clone()
    }

    /// Spans acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.lock().acknowledged.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_refusal(&self) {
        let mut told = self.lock();
        told.refused += 1;
        told.resent += 1;
    }

    /// A request of `spans` new spans.
    fn make(&self, spans: u64, name: &str) -> (Vec<u64>, Vec<u8>) {
        let first = self.numbers.fetch_add(spans, Ordering::SeqCst);
        let ids: Vec<u64> = (first..first + spans).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start_ns = u64::try_from(now.as_nanos()).unwrap_or_default();
        let filler = "x".repeat(self.filler);
        let span = |id: &u64| {
            let mut trace_id = [0xfa; 16];
            trace_id[8..].copy_from_slice(&(id / 8).to_be_bytes());
            let mut span = otlp::root_span(trace_id, id.to_be_bytes(), name, start_ns);
            span.attributes = vec![otlp::attribute("filler", &filler)];
            span
        };
        let body = otlp::request(ids.iter().map(span).collect());
        (ids, body)
    }

    /// Sends once.
    async fn send(&self, client: &Client, body: Vec<u8>) -> Option<StatusCode> {
        let url = self.url.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let request = client
            .post(format!("{url}/v1/traces"))
            .header("x-api-key", &self.key)
            .header("content-type", "application/x-protobuf");
        let answer = request.body(body).send().await.ok()?;
        let status = answer.status();
        // Acknowledged is what the sender has read to its end.
        answer.bytes().await.ok().map(|_| status)
    }

    /// Sends until acknowledged, or until told to stop.
    async fn deliver(&self, client: &Client, ids: Vec<u64>, body: Vec<u8>) {
        loop {
            if self.send(client, body.clone()).await == Some(StatusCode::OK) {
                self.lock().acknowledged.extend(ids);
                return;
            }
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            self.count_refusal();
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Sends one request of one span with this name until it is acknowledged; its id.
    pub async fn deliver_named(&self, name: &str) -> Option<u64> {
        let (ids, body) = self.make(1, name);
        let id = ids.first().copied();
        self.deliver(&client(), ids, body).await;
        id
    }
}

fn client() -> Client {
    Client::builder().timeout(TIMEOUT).build().unwrap_or_default()
}

/// Senders at work.
#[derive(Debug)]
pub struct Load {
    target: Arc<Target>,
    senders: JoinSet<()>,
}

impl Load {
    /// `senders` that each wait for an acknowledgement before they send the next request.
    pub fn closed(target: &Arc<Target>, senders: usize, seed: u64, spans_max: u64) -> Self {
        target.stop.store(false, Ordering::SeqCst);
        let mut tasks = JoinSet::new();
        for lane in 0..senders as u64 {
            let target = Arc::clone(target);
            let mut random = StdRng::seed_from_u64(seed ^ (lane << 32));
            tasks.spawn(async move {
                let client = client();
                while !target.stop.load(Ordering::SeqCst) {
                    let (ids, body) = target.make(random.random_range(1..=spans_max), "work");
                    target.deliver(&client, ids, body).await;
                }
            });
        }
        Self {
            target: Arc::clone(target),
            senders: tasks,
        }
    }

    /// `per_second` requests, whatever the answers; each is sent once.
    pub fn open(target: &Arc<Target>, per_second: f64, spans: u64) -> Self {
        target.stop.store(false, Ordering::SeqCst);
        let mut tasks = JoinSet::new();
        let generator = Arc::clone(target);
        tasks.spawn(async move {
            let client = client();
            let mut under_way = JoinSet::new();
            let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / per_second.max(1.0)));
            while !generator.stop.load(Ordering::SeqCst) {
                ticks.tick().await;
                while under_way.try_join_next().is_some() {}
                if under_way.len() >= OPEN_MAX {
                    continue;
                }
                let (target, client) = (Arc::clone(&generator), client.clone());
                under_way.spawn(async move {
                    let (ids, body) = target.make(spans, "work");
                    let answer = target.send(&client, body).await;
                    let mut told = target.lock();
                    match answer {
                        Some(StatusCode::OK) => told.acknowledged.extend(ids),
                        _ => told.refused += 1,
                    }
                });
            }
            while under_way.join_next().await.is_some() {}
        });
        Self {
            target: Arc::clone(target),
            senders: tasks,
        }
    }

    /// Ends the senders. What is under way comes to its end.
    pub async fn finish(mut self) {
        self.target.stop.store(true, Ordering::SeqCst);
        while self.senders.join_next().await.is_some() {}
    }
}
