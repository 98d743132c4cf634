//! What a project has set is obeyed between the door and the log.

use brokle_ingest::receiver::ReceiverConfig;
use brokle_model::telemetry_settings::{EffectiveSettings, TelemetrySettings};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};

use super::fakes::{GOOD_KEY, Servers};
use super::payload::{self, NOW_UNIX_NANO};

const DAY_NANOS: u64 = 24 * 60 * 60 * 1_000_000_000;

async fn servers(settings: Value) -> Servers {
    let own: TelemetrySettings = serde_json::from_value(settings).unwrap();
    let settings = EffectiveSettings::merge(&own, &TelemetrySettings::default());
    Servers::of(ReceiverConfig::default(), 256 << 20, settings).await
}

/// Sends spans; returns how many were rejected, and why.
async fn send(servers: &Servers, spans: Vec<Span>) -> (i64, String) {
    let response = reqwest::Client::new()
        .post(format!("http://{}/v1/traces", servers.http))
        .header("x-api-key", GOOD_KEY)
        .header("content-type", "application/x-protobuf")
        .body(payload::request(spans).encode_to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let body = response.bytes().await.unwrap();
    let partial = ExportTraceServiceResponse::decode(body).unwrap().partial_success;
    partial.map_or((0, String::new()), |partial| {
        (partial.rejected_spans, partial.error_message)
    })
}

#[tokio::test]
async fn spans_are_refused_when_they_are_older_than_their_project_keeps() {
    let aged = |days: u64| Span {
        start_time_unix_nano: NOW_UNIX_NANO - days * DAY_NANOS,
        ..payload::good(&days.to_string())
    };
    for (days, kept) in [
        (7, vec!["6"]),
        (30, vec!["6", "29"]),
        (400, vec!["6", "29", "399"]),
    ] {
        let servers = servers(json!({"retention_days": {"traces": days}})).await;
        let (rejected, message) = send(&servers, vec![aged(6), aged(29), aged(399)]).await;
        let taken = servers.log.take();
        assert!(taken.iter().all(|submission| submission.retention_days == days));
        assert!(
            taken
                .iter()
                .all(|submission| submission.items as usize == kept.len())
        );
        assert_eq!(usize::try_from(rejected).unwrap(), 3 - kept.len(), "{message}");
        assert_eq!(message.contains("older than traces are kept"), rejected > 0);
    }
}

#[tokio::test]
async fn what_the_sample_leaves_out_is_acknowledged_and_not_accepted() {
    let servers = servers(json!({"sampling": {"head": {"rate": 0.0}}})).await;
    let (rejected, _) = send(&servers, vec![payload::good("one"), payload::good("two")]).await;
    assert_eq!(rejected, 0);
    assert!(servers.log.take().is_empty());
    servers.until_idle().await;
}

#[tokio::test]
async fn what_reaches_the_log_is_redacted_already() {
    let servers = servers(json!({"redaction": {"patterns": ["email"]}})).await;
    send(
        &servers,
        vec![payload::good("to ada@example.com"), payload::good("plain")],
    )
    .await;
    assert_eq!(servers.log.take_names(), ["to [REDACTED:email]", "plain"]);
    servers.until_idle().await;
}
