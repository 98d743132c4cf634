//! The whole table of cases, over both transports, in both encodings, for all three signals.

use std::collections::BTreeSet;

use brokle_model::telemetry::Signal;

use super::fakes::Servers;
use super::{grpc_frames, http};

#[tokio::test]
async fn every_case_holds_for_every_signal_over_both_transports() {
    let servers = Servers::start().await;
    let mut names = BTreeSet::new();
    let mut count = 0;

    let client = reqwest::Client::new();
    for case in http::cases() {
        names.insert(format!("{} over HTTP: {}", case.signal.as_str(), case.name));
        http::play(&servers, &client, &case).await;
        count += 1;
    }
    let over_http = count;

    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    for signal in Signal::OTLP {
        for case in grpc_frames::raw_cases(*signal) {
            names.insert(format!("{} over gRPC: {}", signal.as_str(), case.name));
            grpc_frames::play(&servers, &client, *signal, case).await;
            count += 1;
        }
    }
    servers.until_idle().await;
    assert_eq!(names.len(), count, "a case's name stands for one case");
    assert!(count >= 120, "{count} cases");
    println!(
        "{count} conformance cases ({over_http} over HTTP, {} over gRPC)",
        count - over_http
    );
}
