//! Passing telemetry on, to destinations that behave and to one that does not.

mod destination;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brokle_ingest::config::Config;
use brokle_ingest::forward::config::{ForwardConfig, resolve};
use brokle_ingest::pipeline::Ingest;
use brokle_model::clock::{SharedClock, SystemClock};
use brokle_model::id::ProjectId;
use brokle_model::port::TelemetrySink as _;
use brokle_model::telemetry::{Signal, Submission};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prometheus_client::registry::Registry;
use prost::Message;
use serde_json::{Value as Json, json};

use self::destination::{Destination, Reply};
use crate::pipeline::storage::{FakeStorage, NumberEncoder};
use crate::pipeline::{copy_into, eventually};
use crate::receiver::fakes::{GOOD_KEY, Servers};

/// One span, named after a number.
fn submission(number: u64, service: &str) -> Submission {
    let text = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    };
    let span = Span {
        trace_id: (u128::from(number) + 1).to_be_bytes().to_vec(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: number.to_string(),
        start_time_unix_nano: crate::receiver::payload::NOW_UNIX_NANO,
        end_time_unix_nano: crate::receiver::payload::NOW_UNIX_NANO + 1,
        attributes: vec![text(
            "parity",
            if number.is_multiple_of(2) { "even" } else { "odd" },
        )],
        ..Span::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", service)],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    Submission {
        project: ProjectId::from_u128(7),
        environment: "staging".to_owned(),
        signal: Signal::Traces,
        body: Bytes::from(request.encode_to_vec()),
        items: 1,
        retention_days: 30,
        calls: None,
    }
}

fn names(body: &[u8]) -> Vec<u64> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let resources = request.resource_spans.into_iter();
    let spans = resources
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans);
    spans.map(|span| span.name.parse().unwrap()).collect()
}

struct Stage {
    ingest: Ingest,
    registry: Registry,
}

/// A collector in `directory` that passes on to `endpoint`; `more` are further settings of the destination.
fn open(directory: &Path, endpoint: &str, more: &Json) -> Stage {
    let mut settings =
        json!({"name": "there", "endpoint": endpoint, "retry_pause_max_ms": 20, "timeout_ms": 2000});
    let more = more.as_object().unwrap().clone();
    settings.as_object_mut().unwrap().extend(more);
    let forward: ForwardConfig = serde_json::from_value(settings).unwrap();
    let mut config = Config::in_directory(directory);
    config.segment_bytes = 1 << 20;
    config.range_bytes_max = 64 * 1024;
    config.range_age_max = Duration::from_millis(20);
    config.wal_bytes_max = 64 << 20;
    config.free_bytes_min = 0;
    config.forward = resolve(&[forward], &|_| None).unwrap();
    let mut registry = Registry::default();
    let clock: SharedClock = Arc::new(SystemClock);
    let storage = Arc::new(FakeStorage::default());
    let ingest = Ingest::open(
        &config,
        (storage.clone() as _, storage as _),
        Arc::new(NumberEncoder),
        clock,
        &mut registry,
    )
    .unwrap();
    Stage { ingest, registry }
}

impl Stage {
    async fn append_all(&self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.ingest.append(submission(number, "shop")).await.unwrap();
        }
    }

    /// The value of a figure, zero while it is not there.
    fn figure(&self, line: &str) -> u64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let found = text
            .lines()
            .find_map(|each| each.strip_prefix(line)?.strip_prefix(' '));
        found.map_or(0, |value| value.parse().unwrap())
    }

    fn sent(&self) -> u64 {
        self.figure(r#"brokle_forward_sent_items_total{destination="there"}"#)
    }

    fn waiting(&self) -> u64 {
        self.figure(r#"brokle_forward_waiting_items{destination="there"}"#)
    }

    fn refused(&self, reason: &str) -> u64 {
        self.figure(&format!(
            r#"brokle_forward_refused_items_total{{destination="there",reason="{reason}"}}"#
        ))
    }
}

fn sorted(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_unstable();
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_brokle_takes_everything_over_both_protocols() {
    for (protocol, compression) in [
        ("http", "gzip"),
        ("http", "zstd"),
        ("grpc", "none"),
        ("grpc", "gzip"),
        ("grpc", "zstd"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let other = Servers::start().await;
        let address = if protocol == "http" {
            other.http
        } else {
            other.grpc
        };
        let more =
            json!({"protocol": protocol, "compression": compression, "headers": {"x-api-key": GOOD_KEY}});
        let stage = open(directory.path(), &format!("http://{address}"), &more);
        stage.append_all(0..100).await;
        stage.ingest.submit(submission(100, "gateway")).unwrap();
        eventually("all are sent", || stage.sent() == 101).await;
        let taken = other.log.take();
        assert!(taken.iter().all(|submission| submission.environment == "staging"));
        let arrived = taken
            .iter()
            .flat_map(|submission| names(&submission.body))
            .collect();
        assert_eq!(
            sorted(arrived),
            (0..=100).collect::<Vec<_>>(),
            "{protocol} {compression}"
        );
        assert_eq!(stage.waiting(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_destination_is_given_the_time_that_it_asks_for() {
    let directory = tempfile::tempdir().unwrap();
    let there = Destination::start().await;
    there.will(Reply::Status(503, Some("1")));
    let stage = open(directory.path(), &there.url(), &json!({}));
    stage.append_all([1]).await;
    eventually("it is sent", || stage.sent() == 1).await;
    let [first, second] = there.times()[..] else {
        panic!("not two exports")
    };
    assert!(second - first >= Duration::from_secs(1), "{:?}", second - first);
    assert_eq!(there.taken(), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_that_pass_are_tried_again_until_they_have_passed() {
    let directory = tempfile::tempdir().unwrap();
    let there = Destination::start().await;
    for reply in [
        Reply::Status(429, None),
        Reply::Status(502, None),
        Reply::Cut,
        Reply::Status(401, None),
        Reply::Status(504, None),
    ] {
        there.will(reply);
    }
    let stage = open(directory.path(), &there.url(), &json!({}));
    stage.append_all([1]).await;
    eventually("it is sent", || stage.sent() == 1).await;
    assert_eq!(there.times().len(), 6);
    assert_eq!(there.taken(), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_refused_for_good_costs_its_neighbours_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let there = Destination::start().await;
    there.poison(17);
    let stage = open(directory.path(), &there.url(), &json!({}));
    stage.append_all(0..40).await;
    eventually("all but one are sent", || stage.sent() == 39).await;
    eventually("that one is counted", || stage.refused("invalid") == 1).await;
    let expected: Vec<u64> = (0..40).filter(|number| *number != 17).collect();
    assert_eq!(sorted(there.taken()), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_partial_success_leaves_out_is_counted_and_not_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let there = Destination::start().await;
    there.will(Reply::Partial(1));
    let stage = open(directory.path(), &there.url(), &json!({}));
    stage.append_all([1]).await;
    eventually("it is counted", || stage.refused("partial_success") == 1).await;
    stage.append_all([2]).await;
    eventually("the next is sent", || stage.sent() == 1).await;
    assert_eq!(there.times().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_hangs_slows_nobody_and_what_waits_is_kept_for_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let there = Destination::start().await;
    there.hang();
    let stage = open(directory.path(), &there.url(), &json!({"timeout_ms": 60_000}));
    stage.append_all(0..200).await;
    eventually("storage has them all", || stage.ingest.items().stored == 200).await;
    assert_eq!(stage.sent(), 0);
    let asked = Instant::now();
    let drained = stage.ingest.shutdown(Duration::from_millis(300)).await;
    assert_eq!(drained.waiting_items, 0);
    assert!(asked.elapsed() < Duration::from_secs(10));
    drop(stage);
    let there = Destination::start().await;
    let stage = open(directory.path(), &there.url(), &json!({}));
    eventually("all are sent", || stage.sent() == 200).await;
    assert_eq!(sorted(there.taken()), (0..200).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_sends_what_waits_first() {
    let directory = tempfile::tempdir().unwrap();
    let there = Destination::start().await;
    there.will(Reply::Status(503, None));
    let stage = open(directory.path(), &there.url(), &json!({}));
    stage.append_all(0..50).await;
    stage.ingest.shutdown(Duration::from_secs(20)).await;
    assert_eq!(sorted(there.taken()), (0..50).collect::<Vec<_>>());
    assert_eq!(stage.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_a_destination_that_is_away() {
    let directory = tempfile::tempdir().unwrap();
    let stage = open(directory.path(), "http://127.0.0.1:9", &json!({}));
    stage.append_all(0..5).await;
    let asked = Instant::now();
    stage.ingest.shutdown(Duration::from_mins(2)).await;
    assert!(asked.elapsed() < Duration::from_mins(1), "{:?}", asked.elapsed());
    assert_eq!(stage.waiting(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_drops_what_is_new_and_counts_it() {
    let directory = tempfile::tempdir().unwrap();
    let there = Destination::start().await;
    there.hang();
    let stage = open(
        directory.path(),
        &there.url(),
        &json!({"queue_bytes_max": 4 << 20, "timeout_ms": 60_000}),
    );
    let mut large = submission(1, "shop");
    let mut number = 0_u64;
    let dropped = || stage.figure(r#"brokle_forward_dropped_items_total{destination="there"}"#);
    while dropped() == 0 {
        assert!(number < 1000, "the queue has no end");
        let mut request = ExportTraceServiceRequest::decode(large.body.clone()).unwrap();
        request.resource_spans[0].schema_url = format!("{number:06}").repeat(33_000);
        large.body = Bytes::from(request.encode_to_vec());
        stage.ingest.append(large.clone()).await.unwrap();
        number += 1;
    }
    assert!(stage.waiting() + dropped() + stage.sent() <= number);
    eventually("storage has them all", || stage.ingest.items().stored == number).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_passes_on_what_is_meant_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let there = Destination::start().await;
    let filter = json!({"filter": {
        "signals": ["traces"],
        "environments": ["staging"],
        "attributes": {"service.name": ["sh*"], "parity": ["even"]}
    }});
    let stage = open(directory.path(), &there.url(), &filter);
    for number in 0..10 {
        let service = if number < 6 { "shop" } else { "cart" };
        stage.ingest.append(submission(number, service)).await.unwrap();
    }
    let elsewhere = Submission {
        environment: "production".to_owned(),
        ..submission(12, "shop")
    };
    stage.ingest.append(elsewhere).await.unwrap();
    let filtered = || stage.figure(r#"brokle_forward_filtered_items_total{destination="there"}"#);
    eventually("all are told apart", || stage.sent() + filtered() == 10).await;
    assert_eq!(sorted(there.taken()), [0, 2, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_kept_from_a_queue_is_offered_again() {
    let (directory, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let there = Destination::start().await;
    let config_of = |directory: &Path| {
        // A collector that passes nothing on, and whose storage is away: its log keeps everything.
        let mut config = Config::in_directory(directory);
        config.segment_bytes = 1 << 20;
        config.range_bytes_max = 64 * 1024;
        config.wal_bytes_max = 64 << 20;
        config.free_bytes_min = 0;
        config
    };
    let storage = FakeStorage::default();
    storage.set_away(true);
    let clock: SharedClock = Arc::new(SystemClock);
    let before = Ingest::open(
        &config_of(directory.path()),
        (Arc::new(storage.clone()) as _, Arc::new(storage) as _),
        Arc::new(NumberEncoder),
        clock,
        &mut Registry::default(),
    )
    .unwrap();
    for number in 0..20 {
        before.append(submission(number, "shop")).await.unwrap();
    }
    copy_into(directory.path(), copy.path());
    let stage = open(copy.path(), &there.url(), &json!({}));
    eventually("all are sent", || stage.sent() == 20).await;
    assert_eq!(sorted(there.taken()), (0..20).collect::<Vec<_>>());
}
