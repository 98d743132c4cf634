//! What ClickHouse has, row by row.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::Client;

use crate::wait;

const TABLES: [&str; 2] = ["observations", "observations_core"];
const TIMEOUT: Duration = Duration::from_mins(1);

/// Runs SQL in the database at `url` and gives its text.
pub async fn sql(url: &str, statement: &str) -> Result<String> {
    let (endpoint, database) = url.rsplit_once('/').context("a URL with a database")?;
    let request = Client::new().post(format!("{endpoint}/?database={database}"));
    let response = request.body(statement.to_owned()).timeout(TIMEOUT).send().await?;
    let status = response.status();
    let text = response.text().await?;
    ensure!(status.is_success(), "{statement}: {text}");
    Ok(text)
}

/// Keeps the tables from merging rows with equal keys, so that every row stays to be counted.
pub async fn stop_merges(url: &str) -> Result<()> {
    for table in TABLES {
        let settings = "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1, \
                        parts_to_delay_insert = 100000, parts_to_throw_insert = 100000";
        sql(url, &format!("ALTER TABLE {table} MODIFY SETTING {settings}")).await?;
    }
    Ok(())
}

/// The rows, counted.
#[derive(Debug, Default)]
pub struct Stored {
    /// Spans that are in both tables.
    pub spans: BTreeSet<u64>,
    /// Rows beyond the first of each span, in the table that has more of them.
    pub duplicated: usize,
}

/// Counts the rows.
pub async fn stored(url: &str) -> Result<Stored> {
    let mut found = Stored::default();
    for (place, table) in TABLES.into_iter().enumerate() {
        let text = sql(url, &format!("SELECT hex(span_id) FROM {table}")).await?;
        let ids: Vec<u64> = text
            .lines()
            .map(|line| u64::from_str_radix(line.trim(), 16).context("a span id"))
            .collect::<Result<_>>()?;
        let distinct: BTreeSet<u64> = ids.iter().copied().collect();
        found.duplicated = found.duplicated.max(ids.len() - distinct.len());
        found.spans = if place == 0 {
            distinct
        } else {
            found.spans.intersection(&distinct).copied().collect()
        };
    }
    Ok(found)
}

/// Items by what became of them, from `/metrics`: accepted, stored, waiting, dead-lettered, refused later.
pub async fn books(server_url: &str) -> Result<[u64; 5]> {
    let text = Client::new()
        .get(format!("{server_url}/metrics"))
        .timeout(TIMEOUT)
        .send()
        .await?
        .text()
        .await?;
    let names = [
        "accepted_items_total",
        "stored_items_total",
        "waiting_items",
        "dead_lettered_items_total",
        "refused_later_items_total",
    ];
    Ok(names.map(|name| {
        let wanted = format!("brokle_ingest_{name}{{");
        let lines = text.lines().filter(|line| line.starts_with(&wanted));
        let values = lines.filter_map(|line| {
            line.rsplit(' ')
                .next()?
                .trim_end_matches(".0")
                .parse::<u64>()
                .ok()
        });
        values.sum()
    }))
}

/// Waits until nothing waits any more; the books must add up. `false`: it still does after `patience`.
pub async fn settled(server_url: &str, patience: Duration) -> Result<bool> {
    let done = wait::until("everything is settled", patience, || async {
        let books = books(server_url).await.ok()?;
        (books[2] == 0).then_some(books)
    });
    let Ok([accepted, stored, waiting, dead_lettered, refused_later]) = done.await else {
        return Ok(false);
    };
    ensure!(
        accepted == stored + waiting + dead_lettered + refused_later,
        "the books do not add up: {accepted} {stored} {waiting} {dead_lettered} {refused_later}"
    );
    Ok(true)
}
