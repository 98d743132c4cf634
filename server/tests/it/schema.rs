//! The columns that ingest writes are the columns that the migrations make.

use std::collections::BTreeSet;
use std::time::Duration;

use brokle_migrations::target::clickhouse::ClickHouseTarget;
use brokle_migrations::{Verb, apply, clickhouse};
use brokle_model::clock::SystemClock;
use brokle_model::telemetry::Signal;
use brokle_model::telemetry_settings::default_retention_days;
use brokle_testkit::clickhouse::TestClickHouse;

#[tokio::test]
async fn ingest_fills_every_column_of_observations_and_no_other() {
    let database = TestClickHouse::create().await;
    let mut target = ClickHouseTarget::new(database.client());
    apply(
        &mut target,
        &clickhouse(),
        Verb::Up { steps: None },
        &SystemClock,
        false,
    )
    .await
    .unwrap();
    let described =
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'observations'";
    let text = database
        .client()
        .fetch(described, "TabSeparated", Duration::from_secs(20))
        .await
        .unwrap();
    let columns: BTreeSet<&str> = text.lines().collect();
    let schema = brokle_ingest::arrow::schema::observations();
    let written: BTreeSet<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(written, columns);
}

#[tokio::test]
async fn tables_keep_rows_as_long_as_the_rows_say() {
    let database = TestClickHouse::create().await;
    let mut target = ClickHouseTarget::new(database.client());
    apply(
        &mut target,
        &clickhouse(),
        Verb::Up { steps: None },
        &SystemClock,
        false,
    )
    .await
    .unwrap();
    let days = brokle_model::telemetry::RETENTION_DAYS;
    assert_eq!(default_retention_days(Signal::Traces), days);
    let described = "SELECT name, create_table_query FROM system.tables
        WHERE database = currentDatabase() AND name IN ('observations', 'observations_core')";
    let text = database
        .client()
        .fetch(described, "TabSeparated", Duration::from_secs(20))
        .await
        .unwrap();
    assert_eq!(text.lines().count(), 2);
    for line in text.lines() {
        for expected in [
            "TTL toDateTime(start_time) + toIntervalDay(retention_days)".to_owned(),
            format!("`retention_days` UInt16 DEFAULT {days}"),
        ] {
            assert!(line.contains(&expected), "{expected} is not in {line}");
        }
    }
}
