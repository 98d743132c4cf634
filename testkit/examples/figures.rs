//! Prints the figures that a user of the embedded mode meets: time from start to serving (first and second
//! start), memory at rest of the server and of its engine, time from acknowledgement to visibility: of single traces,
//! and of traces that come beside a steady load; and how soon a provider sees that a caller has hung up.
//!
//! usage: figures BINARY [TRACES] [SECONDS]    (run by `make bench` on the release build)
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark that prints and may fail loudly"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use brokle_testkit::bench::load::{Bodies, Plan};
use brokle_testkit::bench::payload::{Encoding, Shape, Template};
use brokle_testkit::bench::{http, process};
use brokle_testkit::otlp;
use brokle_testkit::server::{Server, ServerOptions, child_of};
use brokle_testkit::soak;
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use reqwest::Client;

/// Long enough for caches to settle and for background work of the start to end.
const REST: Duration = Duration::from_secs(5);
const VISIBLE_WITHIN: Duration = Duration::from_secs(30);
/// At each moment of a call.
const HANG_UPS: usize = 200;
/// The steady load: requests a second, of this many spans.
const LOAD_RATE: f64 = 200.0;
const LOAD_SPANS: u64 = 100;
/// Numbers of the traces that are looked for beside the load.
const BESIDE_LOAD: u64 = 1 << 40;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().unwrap_or_else(|| "target/release/brokle".into());
    let traces: u64 = arguments.next().map_or(Ok(300), |text| text.parse())?;
    let load_seconds: u64 = arguments.next().map_or(Ok(60), |text| text.parse())?;

    let binary = std::path::absolute(binary)?;
    let started = Instant::now();
    let mut server = Server::start(
        &binary,
        ServerOptions {
            embedded_engine: true,
            ..ServerOptions::default()
        },
    )
    .await?;
    println!(
        "start to serving, empty data directory: {:>6} ms",
        started.elapsed().as_millis()
    );
    server.stop().await?;
    let started = Instant::now();
    server.restart().await?;
    println!(
        "start to serving, existing data:        {:>6} ms",
        started.elapsed().as_millis()
    );

    tokio::time::sleep(REST).await;
    let engine = child_of(server.pid()).unwrap();
    println!(
        "resident memory at rest, server:        {:>6} MiB",
        resident_mib(server.pid())
    );
    println!(
        "resident memory at rest, engine:        {:>6} MiB",
        resident_mib(engine)
    );

    let tenant = Tenant::sign_up(&server.url()).await?;
    let mut visible_ms = Vec::new();
    let mut acknowledged_us = Vec::new();
    for number in 0..traces {
        let (acknowledged, visible) = one_trace(&server, &tenant, number).await?;
        acknowledged_us.push(acknowledged.as_micros());
        visible_ms.push(visible.as_millis());
    }
    println!(
        "acknowledgement over {traces} requests:      p50 {} us, p99 {} us",
        at(&mut acknowledged_us, 50),
        at(&mut acknowledged_us, 99)
    );
    println!(
        "acknowledged to visible, {traces} traces:    p50 {} ms, p99 {} ms",
        at(&mut visible_ms, 50),
        at(&mut visible_ms, 99)
    );
    println!(
        "resident memory after, server / engine: {} / {} MiB",
        resident_mib(server.pid()),
        resident_mib(engine)
    );
    under_load(&server, &tenant, Duration::from_secs(load_seconds)).await?;
    drop(server);
    println!(
        "\nfrom a caller's hang-up to the provider's:\n{}",
        soak::hang_ups(&binary, HANG_UPS).await?
    );
    Ok(())
}

/// What the same questions are answered while spans come steadily.
async fn under_load(server: &Server, tenant: &Tenant, length: Duration) -> anyhow::Result<()> {
    let engine = child_of(server.pid()).unwrap();
    let plan = Plan {
        address: server.otlp_http_url().trim_start_matches("http://").to_owned(),
        key: tenant.key.clone(),
        template: Arc::new(Template::new(Shape::Small, LOAD_SPANS)?),
        bodies: Bodies::Template,
        encoding: Encoding::Identity,
        lanes: 8,
        rate: Some(LOAD_RATE),
        length,
        first: 0,
    };
    let used = || {
        anyhow::Ok((
            process::processor_seconds(server.pid())?,
            process::processor_seconds(engine)?,
        ))
    };
    let before = used()?;
    let load = tokio::task::spawn_blocking(move || http::send(plan));
    let mut visible_ms = Vec::new();
    let mut number = BESIDE_LOAD;
    while !load.is_finished() {
        let (_, visible) = one_trace(server, tenant, number).await?;
        visible_ms.push(visible.as_millis());
        number += 1;
    }
    let outcome = load.await?;
    let after = used()?;
    let spans = outcome.acknowledged * LOAD_SPANS;
    let rate = spans as f64 / outcome.elapsed.as_secs_f64();
    println!(
        "under load: {rate:.0} spans/s for {length:?}, {} of {} requests failed",
        outcome.failed,
        outcome.acknowledged + outcome.failed
    );
    println!(
        "  acknowledgement:                      p50 {:.2} ms, p99 {:.2} ms",
        outcome.latency_ms(0.5),
        outcome.latency_ms(0.99)
    );
    println!(
        "  acknowledged to visible, {} traces:  p50 {} ms, p99 {} ms",
        visible_ms.len(),
        at(&mut visible_ms, 50),
        at(&mut visible_ms, 99)
    );
    println!(
        "  processor us a span, server / engine: {:.2} / {:.2}",
        (after.0 - before.0) * 1e6 / spans as f64,
        (after.1 - before.1) * 1e6 / spans as f64
    );
    println!(
        "  most resident memory, server / engine: {} / {} MiB",
        process::resident_mib(server.pid())?.1,
        process::resident_mib(engine)?.1
    );
    Ok(())
}

/// Sends one trace and asks for it until it is there.
async fn one_trace(server: &Server, tenant: &Tenant, number: u64) -> anyhow::Result<(Duration, Duration)> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let mut trace_id = [0xbe; 16];
    trace_id[8..].copy_from_slice(&number.to_be_bytes());
    let span = otlp::root_span(trace_id, [1; 8], "freshness", u64::try_from(now.as_nanos())?);
    let sent = Instant::now();
    let request = Client::new()
        .post(format!("{}/v1/traces", server.url()))
        .header("x-api-key", &tenant.key);
    let request = request
        .header("content-type", "application/x-protobuf")
        .body(otlp::request(vec![span]));
    request.send().await?.error_for_status()?;
    let acknowledged = sent.elapsed();
    let since = Instant::now();
    let hex = format!("{:032x}", u128::from_be_bytes(trace_id));
    wait::until("the trace is visible", VISIBLE_WITHIN, || async {
        tenant.trace(&hex).await
    })
    .await?;
    Ok((acknowledged, since.elapsed()))
}

fn at(values: &mut [u128], percent: usize) -> u128 {
    values.sort_unstable();
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
