//! Tail sampling on the real tables: what is kept, what goes, and what a repeat or a late span changes.

use std::sync::Arc;
use std::time::Duration;

use brokle_ingest::tail::{Looks, TailMetrics, TailSampler};
use brokle_migrations::target::clickhouse::ClickHouseTarget;
use brokle_migrations::{Verb, apply, clickhouse};
use brokle_model::clock::{Clock as _, SystemClock};
use brokle_model::id::ProjectId;
use brokle_model::telemetry_settings::{EffectiveSettings, Sampling, TailSampling};
use brokle_storage_clickhouse::ClickHouse;
use brokle_testkit::clickhouse::TestClickHouse;
use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

const PROJECT: ProjectId = ProjectId::from_u128(7);
const TIMEOUT: Duration = Duration::from_secs(30);

struct Stage {
    clickhouse: ClickHouse,
    /// An instant a quarter of an hour ago.
    then: DateTime<Utc>,
    metrics: TailMetrics,
    _database: TestClickHouse,
}

/// A span, by what tail sampling looks at.
#[derive(Clone, Copy)]
struct Row {
    trace: u32,
    span: u32,
    /// After [`Stage::then`].
    start_ms: i64,
    duration_ms: i64,
    failed: bool,
    cost: &'static str,
    /// When it arrived, before now.
    arrived_ago: TimeDelta,
}

impl Row {
    fn of(trace: u32) -> Self {
        Self {
            trace,
            span: 1,
            start_ms: 0,
            duration_ms: 100,
            failed: false,
            cost: "0.01",
            arrived_ago: TimeDelta::minutes(10),
        }
    }
}

impl Stage {
    async fn new() -> Self {
        let database = TestClickHouse::create().await;
        let clickhouse_client = database.client();
        let mut target = ClickHouseTarget::new(clickhouse_client.clone());
        apply(
            &mut target,
            &clickhouse(),
            Verb::Up { steps: None },
            &SystemClock,
            false,
        )
        .await
        .unwrap();
        Self {
            clickhouse: clickhouse_client,
            then: SystemClock.now() - TimeDelta::minutes(15),
            metrics: TailMetrics::default(),
            _database: database,
        }
    }

    async fn insert(&self, rows: impl IntoIterator<Item = Row>) {
        let now = SystemClock.now();
        let values = rows.into_iter().map(|row| {
            let start = (self.then + TimeDelta::milliseconds(row.start_ms))
                .timestamp_nanos_opt()
                .unwrap();
            let end = start + row.duration_ms * 1_000_000;
            let arrived = (now - row.arrived_ago).timestamp_nanos_opt().unwrap();
            format!(
                "('{PROJECT}', unhex('{:032x}'), unhex('{:016x}'), fromUnixTimestamp64Nano({start}, 'UTC'), \
                 fromUnixTimestamp64Nano({end}, 'UTC'), {arrived}, {}, true, {})",
                row.trace,
                row.span,
                if row.failed { 2 } else { 0 },
                row.cost
            )
        });
        let statement = format!(
            "INSERT INTO observations (project_id, trace_id, span_id, start_time, end_time, version, status_code, \
             counts_usage, total_cost) VALUES {}",
            values.collect::<Vec<_>>().join(", ")
        );
        self.clickhouse.execute(&statement, TIMEOUT).await.unwrap();
    }

    /// A node with these rules, which knows nothing of other nodes.
    fn node(&self, tail: TailSampling) -> (TailSampler, Looks) {
        let settings = EffectiveSettings {
            sampling: Sampling {
                tail: Some(tail),
                head: None,
            },
            ..EffectiveSettings::default()
        };
        let client = Arc::new(self.clickhouse.clone());
        let policies = Arc::new(Arc::new(settings));
        let clock = Arc::new(SystemClock);
        let sampler = TailSampler::new(
            Arc::clone(&client) as _,
            client,
            policies,
            clock,
            self.metrics.clone(),
        );
        (sampler, Looks::default())
    }

    async fn fetch(&self, query: &str) -> Vec<String> {
        let text = self
            .clickhouse
            .fetch(query, "TabSeparated", TIMEOUT)
            .await
            .unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Traces that lists would show, with the number of their spans.
    async fn visible(&self, table: &str) -> Vec<String> {
        let query = format!(
            "SELECT toString(reinterpretAsUInt32(reverse(trace_id))) || ':' || toString(count()) FROM (
                SELECT trace_id, span_id, is_deleted FROM {table} ORDER BY version DESC LIMIT 1 BY trace_id, span_id
            ) WHERE is_deleted = 0 GROUP BY trace_id ORDER BY trace_id"
        );
        self.fetch(&query).await
    }
}

fn rules() -> TailSampling {
    TailSampling {
        decision_wait_s: 60,
        errors: true,
        slower_than_ms: Some(5000),
        costs_more_than: Some("1.50".parse().unwrap()),
        rest: 0.0,
        rest_per_minute_max: None,
    }
}

#[tokio::test]
async fn traces_are_kept_for_a_reason_and_go_whole_without_one() {
    let stage = Stage::new().await;
    let failed = Row {
        failed: true,
        span: 2,
        ..Row::of(1)
    };
    let slow = Row {
        span: 2,
        start_ms: 4900,
        duration_ms: 200,
        ..Row::of(2)
    };
    let costly = Row {
        span: 2,
        cost: "1.5",
        ..Row::of(3)
    };
    let second = Row {
        span: 2,
        ..Row::of(4)
    };
    let fresh = Row {
        arrived_ago: TimeDelta::zero(),
        span: 2,
        ..Row::of(5)
    };
    let firsts = (1..=5).map(Row::of);
    stage
        .insert(firsts.chain([failed, slow, costly, second, fresh]))
        .await;
    let (node, mut looks) = stage.node(rules());
    let stop = CancellationToken::new();
    assert_eq!(node.look(&mut looks, &stop).await.unwrap(), 2);
    for table in ["observations", "observations_core"] {
        assert_eq!(
            stage.visible(table).await,
            ["1:2", "2:2", "3:2", "5:2"],
            "{table}"
        );
    }
    let decided = "SELECT toString(reinterpretAsUInt32(reverse(trace_id))) || reason FROM trace_decisions ORDER BY trace_id";
    assert_eq!(stage.fetch(decided).await, ["1error", "2slow", "3cost", "4"]);
    assert_eq!(stage.metrics.sampled.get(), 2);
    // Again, by this node and by one that has just started: nothing more.
    assert_eq!(node.look(&mut looks, &stop).await.unwrap(), 0);
    let (another, mut its_looks) = stage.node(rules());
    assert_eq!(another.look(&mut its_looks, &stop).await.unwrap(), 0);
    assert_eq!(stage.fetch(decided).await.len(), 4);
    // Late spans follow the decision, whatever they are.
    let late = |trace| Row {
        span: 3,
        failed: true,
        arrived_ago: TimeDelta::zero(),
        ..Row::of(trace)
    };
    stage.insert([late(1), late(4)]).await;
    assert_eq!(node.look(&mut looks, &stop).await.unwrap(), 1);
    assert_eq!(
        stage.visible("observations_core").await,
        ["1:3", "2:2", "3:2", "5:2"]
    );
}

#[tokio::test]
async fn quarters_of_removed_traces_are_to_be_charted_anew() {
    let stage = Stage::new().await;
    stage.insert([Row::of(1)]).await;
    let marks = "SELECT toString(max(marked_at)) FROM usage_marks";
    let before = stage.fetch(marks).await;
    let (node, mut looks) = stage.node(rules());
    assert_eq!(node.look(&mut looks, &CancellationToken::new()).await.unwrap(), 1);
    assert_ne!(stage.fetch(marks).await, before);
}

#[tokio::test]
async fn of_the_rest_a_share_is_kept_up_to_a_number_a_minute() {
    let stage = Stage::new().await;
    // All within one minute.
    let second = TimeDelta::seconds(i64::from(chrono::Timelike::second(&stage.then)));
    let minute_ms = -second.num_milliseconds();
    stage
        .insert((1..=400).map(|trace| Row {
            start_ms: minute_ms,
            ..Row::of(trace)
        }))
        .await;
    let tail = TailSampling {
        rest: 0.25,
        ..rules()
    };
    let (node, mut looks) = stage.node(TailSampling {
        rest_per_minute_max: Some(30),
        ..tail.clone()
    });
    let stop = CancellationToken::new();
    assert_eq!(node.look(&mut looks, &stop).await.unwrap(), 370);
    assert_eq!(stage.visible("observations_core").await.len(), 30);
    stage
        .insert((401..=800).map(|trace| Row {
            start_ms: minute_ms,
            ..Row::of(trace)
        }))
        .await;
    assert_eq!(
        node.look(&mut looks, &stop).await.unwrap(),
        400,
        "the minute has its thirty"
    );
    stage
        .insert((801..=1200).map(|trace| Row {
            start_ms: minute_ms,
            ..Row::of(trace)
        }))
        .await;
    let (node, mut looks) = stage.node(tail);
    let removed = node.look(&mut looks, &stop).await.unwrap();
    assert!((250..350).contains(&removed), "{removed}");
}

#[tokio::test]
async fn a_project_that_does_not_sample_keeps_everything_and_what_it_had_when_it_begins_to() {
    let stage = Stage::new().await;
    stage.insert([Row::of(1)]).await;
    let client = Arc::new(stage.clickhouse.clone());
    let node = TailSampler::new(
        Arc::clone(&client) as _,
        client,
        Arc::new(Arc::new(EffectiveSettings::default())),
        Arc::new(SystemClock),
        TailMetrics::default(),
    );
    let mut looks = Looks::default();
    assert_eq!(node.look(&mut looks, &CancellationToken::new()).await.unwrap(), 0);
    assert_eq!(stage.visible("observations").await, ["1:1"]);
    assert_eq!(stage.fetch("SELECT count() FROM trace_decisions").await, ["0"]);
}
