//! The books, read through `/metrics` while everything moves: accepted = stored + waiting + dead-lettered +
//! refused later, for each signal, at every scrape.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use brokle_model::telemetry::{Signal, Submission};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::storage::FakeStorage;
use super::{config, eventually, open_with, submission};

const PARTS: [&str; 5] = ["accepted", "stored", "waiting", "dead_lettered", "refused_later"];

/// Items by part and signal, as a scraper reads them.
fn scrape(registry: &Registry) -> BTreeMap<(String, String), u64> {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("brokle_ingest_"));
    lines
        .filter_map(|line| {
            let (name, rest) = line.split_once("_items")?;
            let (signal, value) = rest.split_once("signal=\"")?.1.split_once("\"} ")?;
            let value = value.trim_end_matches(".0").parse().unwrap();
            PARTS
                .contains(&name)
                .then(|| ((name.to_owned(), signal.to_owned()), value))
        })
        .collect()
}

/// Those whose bodies may be any bytes.
const SIGNALS: [Signal; 3] = [Signal::Traces, Signal::Logs, Signal::Metrics];

fn of_signal(number: u64) -> Submission {
    let signals = SIGNALS;
    Submission {
        signal: signals[usize::try_from(number).unwrap() % signals.len()],
        items: u32::try_from(number % 7).unwrap() + 1,
        ..submission(number)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_scrape_adds_up_for_every_signal() {
    let (directory, storage) = (tempfile::tempdir().unwrap(), FakeStorage::default());
    let mut registry = Registry::default();
    let ingest = open_with(&config(directory.path()), &storage, &mut registry);
    // Poison here and there, storage that comes and goes, resends all the time.
    storage.refuse((0..4_000).step_by(397), None);
    let acknowledged: Arc<BTreeMap<&str, AtomicU64>> = Arc::new(
        SIGNALS
            .iter()
            .map(|signal| (signal.as_str(), AtomicU64::new(0)))
            .collect(),
    );
    let mut senders = tokio::task::JoinSet::new();
    for lane in 0..8 {
        let (ingest, acknowledged) = (ingest.clone(), Arc::clone(&acknowledged));
        senders.spawn(async move {
            for number in (lane..4_000).step_by(8) {
                let request = of_signal(number);
                let (signal, items) = (request.signal.as_str(), u64::from(request.items));
                ingest.append(request.clone()).await.unwrap();
                acknowledged[signal].fetch_add(items, Ordering::SeqCst);
                if number % 3 == 0 {
                    ingest.append(request).await.unwrap();
                }
            }
        });
    }
    let (mut scrapes, mut away) = (0, false);
    while !senders.is_empty() || ingest.items().waiting > 0 {
        while senders.try_join_next().is_some_and(|ended| ended.is_ok()) {}
        let before: Vec<u64> = SIGNALS
            .iter()
            .map(|signal| acknowledged[signal.as_str()].load(Ordering::SeqCst))
            .collect();
        let items = scrape(&registry);
        for (signal, acknowledged) in SIGNALS.iter().zip(before) {
            let [accepted, stored, waiting, dead_lettered, refused_later] =
                PARTS.map(|part| items[&(part.to_owned(), signal.as_str().to_owned())]);
            assert_eq!(
                accepted,
                stored + waiting + dead_lettered + refused_later,
                "{items:?}"
            );
            assert!(
                accepted >= acknowledged,
                "an acknowledged item was not counted: {items:?}"
            );
        }
        scrapes += 1;
        if scrapes % 50 == 0 {
            away = !away && !senders.is_empty();
            storage.set_away(away);
        }
        tokio::task::yield_now().await;
    }
    assert!(scrapes > 50, "{scrapes}");
    eventually("nothing waits", || ingest.items().waiting == 0).await;
    let total: u64 = (0..4_000).map(|number| u64::from(of_signal(number).items)).sum();
    let counts = ingest.items();
    assert_eq!(
        (counts.accepted, counts.stored + counts.dead_lettered),
        (total, total)
    );
    assert!(counts.dead_lettered > 0);
    assert_eq!(
        storage.rows("numbers").len(),
        4_000 - ingest.dead_letters().list().unwrap().len()
    );
}
