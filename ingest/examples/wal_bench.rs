//! Prints what the log can do on this machine's disk: acknowledged megabytes per second, and how long an
//! acknowledgement takes, for a number of writers that each wait for one before they send the next.
//!
//! `wal_bench [DIRECTORY] [WRITERS] [BODY_BYTES] [SECONDS] [always|interval|never]`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brokle_ingest::config::Config;
use brokle_ingest::metrics::Metrics;
use brokle_ingest::wal::Wal;
use brokle_ingest::wal::disk::Directory;
use brokle_model::id::ProjectId;
use brokle_model::telemetry::{Signal, Submission};
use bytes::Bytes;
use prometheus_client::registry::Registry;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let directory = PathBuf::from(argument("wal-bench"));
    let writers: usize = argument("64").parse().unwrap();
    let body_bytes: usize = argument("8192").parse().unwrap();
    let length = Duration::from_secs(argument("5").parse().unwrap());
    let mut config = Config::in_directory(&directory);
    config.sync = argument("always").parse().unwrap();

    let disk = Arc::new(Directory::open(&config.wal_directory).unwrap());
    let mut registry = Registry::default();
    let wal = Arc::new(Wal::open(disk, &config, Metrics::register(&mut registry)).unwrap());
    let releaser = tokio::spawn(release_all(Arc::clone(&wal)));
    let until = Instant::now() + length;
    let started = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|_| tokio::spawn(write(Arc::clone(&wal), body_bytes, until)))
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    let seconds = started.elapsed().as_secs_f64();
    releaser.abort();
    waits.sort_unstable();
    let megabytes = (waits.len() * body_bytes) as f64 / 1e6;
    println!(
        "{writers} writers, {body_bytes} bytes each, {:?}, {seconds:.1} s",
        config.sync
    );
    println!(
        "acknowledged: {:.0} requests/s, {:.1} MB/s",
        waits.len() as f64 / seconds,
        megabytes / seconds
    );
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        println!("{name}: {:.2} ms", percentile(&waits, share).as_secs_f64() * 1e3);
    }
    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
    page.lines()
        .filter(|line| line.contains("fsync_seconds_"))
        .for_each(|line| {
            if !line.contains("bucket") {
                println!("{line}");
            }
        });
}

/// The storage: takes everything at once.
async fn release_all(wal: Arc<Wal>) {
    loop {
        let taken = wal.take().await;
        wal.release(taken.range.id());
    }
}

async fn write(wal: Arc<Wal>, body_bytes: usize, until: Instant) -> Vec<Duration> {
    let body = Bytes::from(vec![b'x'; body_bytes]);
    let mut waits = Vec::new();
    while Instant::now() < until {
        let submission = Submission {
            project: ProjectId::from_u128(1),
            environment: "production".to_owned(),
            signal: Signal::Traces,
            body: body.clone(),
            items: 10,
            retention_days: 30,
            calls: None,
        };
        let sent = Instant::now();
        wal.append(submission, 0, None).unwrap().await.unwrap().unwrap();
        waits.push(sent.elapsed());
    }
    waits
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index into the same list"
)]
fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * share) as usize)
        .copied()
        .unwrap_or_default()
}
