//! The history arrives once, however often its sending is interrupted. The collector here only counts, and
//! refuses when told to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes as Body;
use axum::routing::post;
use brokle_model::clock::SystemClock;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use tokio::net::TcpListener;

use super::*;

/// How often each trace arrived, and how many requests are still accepted.
#[derive(Clone, Default)]
struct Collector {
    seen: Arc<Mutex<BTreeMap<Vec<u8>, usize>>>,
    accepts: Arc<AtomicUsize>,
}

impl Collector {
    fn take(&self, body: &[u8]) -> StatusCode {
        let left = self
            .accepts
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            return StatusCode::BAD_REQUEST;
        }
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let mut seen = self.seen.lock().unwrap();
        for resource in request.resource_spans {
            let trace_id = resource.scope_spans[0].spans[0].trace_id.clone();
            *seen.entry(trace_id).or_default() += 1;
        }
        StatusCode::OK
    }

    async fn serve(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::new(listener.local_addr().unwrap());
        let this = self.clone();
        let router = Router::new().route(
            "/v1/traces",
            post(move |body: Body| async move { this.take(&body) }),
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        client
    }
}

fn feed(client: &Client, stop: &CancellationToken) -> Feed {
    Feed::new(
        client.clone(),
        "key".to_owned(),
        Arc::new(SystemClock),
        stop.clone(),
    )
}

#[tokio::test]
async fn an_interrupted_history_goes_on_where_it_was_and_is_sent_once() {
    let directory = tempfile::tempdir().unwrap();
    let collector = Collector::default();
    let client = collector.serve().await;
    let stop = CancellationToken::new();
    collector.accepts.store(4, Ordering::SeqCst);
    let mut file = StateFile::open(directory.path()).unwrap();
    let failed = feed(&client, &stop).send_history(&mut file).await;
    assert!(matches!(failed, Err(FeedError::Refused { .. })), "{failed:?}");

    collector.accepts.store(usize::MAX, Ordering::SeqCst);
    let mut file = StateFile::open(directory.path()).unwrap();
    let sent = feed(&client, &stop).send_history(&mut file).await.unwrap();
    assert_eq!(sent, TRACES - 4 * TRACES_PER_REQUEST);
    let seen = collector.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), TRACES);
    assert!(seen.values().all(|count| *count == 1));
    assert_eq!(feed(&client, &stop).send_history(&mut file).await.unwrap(), 0);
}

#[tokio::test]
async fn a_stopped_feed_sends_nothing_more() {
    let directory = tempfile::tempdir().unwrap();
    let collector = Collector::default();
    let client = collector.serve().await;
    let stop = CancellationToken::new();
    stop.cancel();
    let mut file = StateFile::open(directory.path()).unwrap();
    assert_eq!(feed(&client, &stop).send_history(&mut file).await.unwrap(), 0);
    feed(&client, &stop).run().await;
    feed(&client, &stop).open_with_calls().await;
    assert!(collector.seen.lock().unwrap().is_empty());
}
