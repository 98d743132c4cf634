//! The columns that ingest writes are the columns that the migrations make.

use std::collections::BTreeSet;
use std::time::Duration;

use brokle_ingest::arrow::schema;
use brokle_migrations::target::clickhouse::ClickHouseTarget;
use brokle_migrations::{Verb, apply, clickhouse};
use brokle_model::clock::SystemClock;
use brokle_model::telemetry::{CallDays, Signal};
use brokle_model::telemetry_settings::default_retention_days;
use brokle_testkit::clickhouse::TestClickHouse;

async fn migrated() -> TestClickHouse {
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
    database
}

async fn fetch(database: &TestClickHouse, query: &str) -> String {
    database
        .client()
        .fetch(query, "TabSeparated", Duration::from_secs(20))
        .await
        .unwrap()
}

#[tokio::test]
async fn ingest_fills_every_column_and_no_other() {
    let database = migrated().await;
    let tables = [
        ("observations", schema::observations()),
        ("logs", schema::logs()),
        ("metrics", schema::metrics()),
        ("request_logs", schema::request_logs()),
        ("ai_routing_metrics", schema::routing_metrics()),
    ];
    for (table, schema) in tables {
        let text = fetch(
            &database,
            &format!(
                "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '{table}'"
            ),
        )
        .await;
        let columns: BTreeSet<&str> = text.lines().collect();
        let written: BTreeSet<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!(written, columns, "{table}");
    }
}

#[tokio::test]
async fn tables_keep_items_as_long_as_ingest_accepts_them() {
    let database = migrated().await;
    let days = default_retention_days;
    assert_eq!(days(Signal::Traces), brokle_model::telemetry::RETENTION_DAYS);
    let calls = CallDays::BUILT_IN;
    for (table, time, days) in [
        ("observations", "start_time", days(Signal::Traces)),
        ("observations_core", "start_time", days(Signal::Traces)),
        ("logs", "timestamp", days(Signal::Logs)),
        ("metrics", "timestamp", days(Signal::Metrics)),
        ("request_logs", "start_time", calls.request_logs),
        ("ai_routing_metrics", "start_time", calls.routing_metrics),
    ] {
        let text = fetch(
            &database,
            &format!(
                "SELECT default_expression FROM system.columns WHERE database = currentDatabase()
                    AND table = '{table}' AND name = 'retention_days'"
            ),
        )
        .await;
        assert_eq!(text.trim(), days.to_string(), "{table}");
        let text = fetch(
            &database,
            &format!(
                "SELECT create_table_query FROM system.tables WHERE database = currentDatabase()
                    AND name = '{table}'"
            ),
        )
        .await;
        let expected = format!("TTL toDateTime({time}) + toIntervalDay(retention_days)");
        assert!(text.contains(&expected), "{expected} is not in {text}");
    }
}
