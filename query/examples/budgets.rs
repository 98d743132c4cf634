//! What each list, trace, chart and facet query costs at ten million observations: rows and bytes read, and
//! milliseconds, beside its budget. Fills a ClickHouse of its own once, under `DIRECTORY`, and keeps it; delete
//! the directory to be rid of it (some 4 GB at ten million).
//!
//! usage: budgets BINARY DIRECTORY [OBSERVATIONS] [REPETITIONS]    (`make bench` runs it)
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark that prints and may fail loudly"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use brokle_migrations::target::clickhouse::ClickHouseTarget;
use brokle_migrations::{Verb, apply};
use brokle_model::clock::{Clock as _, ManualClock, SystemClock};
use brokle_model::id::{ProjectId, SessionId, UserId};
use brokle_model::port::{AuthError, SessionResolver, UserSession};
use brokle_model::principal::Role;
use brokle_query::Query;
use brokle_query::rollup::{RollUpConfig, RollUps};
use brokle_storage::telemetry::{QueryError, QueryOutput, SqlQuery, TelemetryReader};
use brokle_storage_clickhouse::{ClickHouse, ClickHouseConfig};
use chrono::{DateTime, DurationRound as _, Utc};
use http::Request;
use http_body_util::BodyExt as _;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

const PROJECT: ProjectId = ProjectId::from_u128(0x0101);
const DAYS: u64 = 29;
const PER_TRACE: u64 = 5;
const FILL_STEP: u64 = 500_000;
const TIMEOUT: Duration = Duration::from_mins(30);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().unwrap_or_else(|| "target/release/brokle".into());
    let directory = arguments.next().unwrap_or_else(|| "target/budgets".into());
    let observations = arguments.next().map_or(Ok(10_000_000), |text| text.parse())?;
    let repetitions = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let (mut engine, clickhouse) = start(&binary, &directory)?;
    let now = prepare(&clickhouse, observations).await?;
    let meter = Arc::new(Meter::over(clickhouse.clone()));
    let reader: Arc<dyn TelemetryReader> = Arc::<Meter>::clone(&meter);
    let plane = Query::new(reader, Arc::new(OneProject), Arc::new(ManualClock::at(now)));
    let (router, _) = plane.router().split_for_parts();
    println!(
        "{:<34}{:>12}{:>10}{:>11}{:>9}{:>9}{:>12}",
        "query", "rows read", "queries", "MB read", "p50 ms", "p95 ms", "budget rows"
    );
    for case in cases(now, observations) {
        measure(&router, &meter, &case, repetitions).await?;
    }
    engine.kill()?;
    engine.wait()?;
    Ok(())
}

struct Case {
    what: &'static str,
    path: String,
    rows_max: u64,
}

/// Budgets: a list reads a few granules, a chart its roll-up and the last hours, a search what the index says.
fn cases(now: DateTime<Utc>, observations: u64) -> Vec<Case> {
    let day = (now - chrono::Duration::days(1)).to_rfc3339().replace('+', "%2B");
    let month = (now - chrono::Duration::days(28))
        .to_rfc3339()
        .replace('+', "%2B");
    let trace = format!("{:032x}", trace_number(observations / PER_TRACE / 2));
    let recent = observations / (DAYS * 24) * 6;
    let case = |what, path: String, rows_max| Case {
        what,
        path: if path.contains('?') {
            format!("{path}&project_id={PROJECT}")
        } else {
            format!("{path}?project_id={PROJECT}")
        },
        rows_max,
    };
    vec![
        case("traces, last day", format!("/traces?from={day}"), 60_000),
        case("traces, 28 days", format!("/traces?from={month}"), 60_000),
        case(
            "traces of a model",
            format!("/traces?from={month}&filter=model:gpt-4o"),
            120_000,
        ),
        case(
            "traces of a user",
            format!("/traces?from={month}&filter=user:user-77"),
            400_000,
        ),
        case(
            "traces with a frequent word",
            format!("/traces?from={month}&filter=question"),
            400_000,
        ),
        case(
            "traces with a rare word",
            format!("/traces?from={month}&filter=xylophone"),
            400_000,
        ),
        case("trace", format!("/traces/{trace}"), 60_000),
        case(
            "its observations",
            format!("/traces/{trace}/observations"),
            60_000,
        ),
        case(
            "histogram, last day",
            format!("/traces/histogram?from={day}"),
            recent,
        ),
        case(
            "histogram, 28 days",
            format!("/traces/histogram?from={month}"),
            recent,
        ),
        case(
            "facets, 28 days",
            format!("/traces/facets?from={month}"),
            9 * recent,
        ),
        case("overview, 28 days", format!("/overview?from={month}"), 4 * recent),
        case(
            "costs by model, 28 days",
            format!("/costs?from={month}&group_by=model"),
            2 * recent,
        ),
        case(
            "latency by provider, 28 days",
            format!("/latency?from={month}&group_by=provider"),
            2 * recent,
        ),
        case(
            "requests by name, 28 days",
            format!("/requests?from={month}&group_by=name"),
            2 * recent,
        ),
        case(
            "costs by user, 28 days",
            format!("/costs?from={month}&group_by=user"),
            2 * recent,
        ),
        case("models, 28 days", format!("/models?from={month}"), recent),
        case("users, 28 days", format!("/users?from={month}"), recent),
        case("sessions, 28 days", format!("/sessions?from={month}"), recent),
    ]
}

async fn measure(router: &Router, meter: &Meter, case: &Case, repetitions: usize) -> anyhow::Result<()> {
    let mut took_us = Vec::new();
    for _ in 0..repetitions {
        meter.clear();
        let started = Instant::now();
        let request = Request::get(format!("/api/v1/analytics{}", case.path))
            .header("authorization", "Bearer bench")
            .body(Body::empty())?;
        let response = router.clone().oneshot(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        anyhow::ensure!(
            status.is_success(),
            "{}: {status} {}",
            case.what,
            String::from_utf8_lossy(&body)
        );
        took_us.push(started.elapsed().as_micros());
    }
    took_us.sort_unstable();
    let at =
        |percent: usize| took_us[(took_us.len() * percent / 100).min(took_us.len() - 1)] as f64 / 1_000.0;
    let (rows, bytes, queries) = meter.read();
    println!(
        "{:<34}{rows:>12}{queries:>10}{:>11.1}{:>9.1}{:>9.1}{:>12}{}",
        case.what,
        bytes as f64 / 1e6,
        at(50),
        at(95),
        case.rows_max,
        if rows > case.rows_max { "  over" } else { "" }
    );
    Ok(())
}

/// Trace ids are spread like random ones.
const fn trace_number(trace: u64) -> u128 {
    (trace as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}

/// Migrates, fills and rolls up, unless an earlier run did. Returns the present of the data.
async fn prepare(clickhouse: &ClickHouse, observations: u64) -> anyhow::Result<DateTime<Utc>> {
    let mut target = ClickHouseTarget::new(clickhouse.clone());
    apply(
        &mut target,
        &brokle_migrations::clickhouse(),
        Verb::Up { steps: None },
        &SystemClock,
        false,
    )
    .await?;
    // Rows of an earlier run may be from before the index; on a server, merges give it to them.
    clickhouse
        .execute(
            "ALTER TABLE observations_core MATERIALIZE INDEX ix_name SETTINGS mutations_sync = 2",
            TIMEOUT,
        )
        .await?;
    let text = clickhouse
        .fetch(
            "SELECT count(), toUnixTimestamp(max(start_time)) FROM observations_core",
            "TabSeparated",
            TIMEOUT,
        )
        .await?;
    let (count, newest) = text.trim().split_once('\t').unwrap_or(("0", "0"));
    if count.parse::<u64>()? >= observations {
        let newest = DateTime::from_timestamp(newest.parse()?, 0).unwrap_or_default();
        return Ok(newest.duration_trunc(chrono::Duration::minutes(1))? + chrono::Duration::minutes(1));
    }
    let now = SystemClock.now().duration_trunc(chrono::Duration::minutes(1))?;
    let started = Instant::now();
    let mut from = 0;
    while from < observations {
        let rows = FILL_STEP.min(observations - from);
        clickhouse
            .execute(&fill(now, from, rows, observations), TIMEOUT)
            .await?;
        from += rows;
    }
    println!(
        "filled {observations} observations in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    let started = Instant::now();
    let client = Arc::new(clickhouse.clone());
    let config = RollUpConfig {
        settle: Duration::ZERO,
        ..RollUpConfig::default()
    };
    let job = RollUps::new(
        Arc::<ClickHouse>::clone(&client),
        client,
        Arc::new(SystemClock),
        config,
    );
    let quarters = job.catch_up(&CancellationToken::new()).await?;
    println!(
        "rolled up {quarters} quarters of an hour in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    // The newest arrivals, as they are on a busy day: not rolled up yet.
    clickhouse
        .execute(&fill(now, 0, 5, observations), TIMEOUT)
        .await?;
    Ok(now)
}

/// Traces of five observations, two of them model calls, evenly spread, newest first.
fn fill(now: DateTime<Utc>, from: u64, rows: u64, observations: u64) -> String {
    let step_ms = DAYS * 86_400_000 / (observations / PER_TRACE).max(1);
    let now = now.format("%Y-%m-%d %H:%M:%S");
    format!(
        "INSERT INTO observations (project_id, trace_id, span_id, start_time, end_time, version, name, type, level, \
         status_code, environment, service_name, provider, model, user_id, session_id, tags, is_entry, counts_usage, \
         input_tokens, output_tokens, total_cost, attributes_string, input, output) \
         WITH intDiv(number, 5) AS trace, number % 5 AS span, cityHash64(number) AS noise, \
         toDateTime64('{now}', 9, 'UTC') - toIntervalMillisecond(trace * {step_ms} + 1000) AS began \
         SELECT '{PROJECT}', \
         toFixedString(reverse(reinterpretAsFixedString(toUInt128(trace) * toUInt128('{multiplier}'))), 16), \
         toFixedString(reverse(reinterpretAsFixedString(number + 1)), 8), \
         began + toIntervalMillisecond(span * 100), \
         began + toIntervalMillisecond(span * 100 + 5 + noise % 5000), 1, \
         if(span = 0, concat('chat-', toString(trace % 20)), concat('step-', toString(span))), \
         ['agent', 'span', 'tool', 'generation', 'generation'][span + 1], 'default', if(noise % 50 = 7, 2, 0), \
         ['production', 'staging'][1 + (trace % 10 = 0)], concat('service-', toString(trace % 3)), \
         if(span >= 3, ['openai', 'anthropic'][1 + trace % 2], ''), \
         if(span >= 3, ['gpt-4o', 'claude-sonnet', 'gpt-4o-mini', 'claude-haiku', 'o3'][1 + trace % 5], ''), \
         if(span = 0, concat('user-', toString(cityHash64(trace) % 1000)), ''), \
         if(span = 0, concat('session-', toString(intDiv(trace, 4))), ''), \
         if(span = 0, [concat('tag-', toString(trace % 4))], []), span = 0, span >= 3, 100 + noise % 900, \
         50 + noise % 200, if(span >= 3, toDecimal64(noise % 1000, 12) / 100000, toDecimal64(0, 12)), \
         map('http.route', concat('/route/', toString(trace % 50)), 'customer.tier', toString(trace % 3)), \
         concat('question ', toString(noise % 100000), ' about refunds and shipping ', toString(trace % 977), \
         if(number = {rare}, ' xylophone', '')), concat('answer ', toString(noise % 77777)) \
         FROM numbers({from}, {rows})",
        multiplier = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835_u128,
        rare = observations / PER_TRACE / 3 * PER_TRACE + 3,
    )
}

/// The engine, on a port that it chooses.
fn start(binary: &str, directory: &str) -> anyhow::Result<(Child, ClickHouse)> {
    std::fs::create_dir_all(directory)?;
    let data = std::path::absolute(directory)?.join("data");
    let mut child = Command::new(std::path::absolute(binary)?)
        .args([
            "clickhouse",
            "--listen",
            "127.0.0.1:0",
            "--stop-with-stdin",
            "--path",
        ])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line)?;
    let address = line.trim().strip_prefix("ready ").unwrap_or_default().to_owned();
    anyhow::ensure!(!address.is_empty(), "the engine did not become ready: {line}");
    let config = ClickHouseConfig::parse(&format!("http://{address}/brokle"))?;
    Ok((child, ClickHouse::new(&config)))
}

struct OneProject;

#[async_trait]
impl SessionResolver for OneProject {
    async fn resolve(&self, _: &str) -> Result<UserSession, AuthError> {
        Ok(UserSession {
            user: UserId::from_u128(1),
            session: SessionId::from_u128(1),
        })
    }

    async fn project_role(&self, _: UserId, _: ProjectId) -> Result<Option<Role>, AuthError> {
        Ok(Some(Role::Viewer))
    }
}

/// Storage with a meter of what it read.
struct Meter {
    clickhouse: ClickHouse,
    rows: AtomicU64,
    bytes: AtomicU64,
    queries: AtomicU64,
}

impl Meter {
    fn over(clickhouse: ClickHouse) -> Self {
        Self {
            clickhouse,
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            queries: AtomicU64::new(0),
        }
    }

    fn clear(&self) {
        for counter in [&self.rows, &self.bytes, &self.queries] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    fn read(&self) -> (u64, u64, u64) {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (value(&self.rows), value(&self.bytes), value(&self.queries))
    }
}

#[async_trait]
impl TelemetryReader for Meter {
    async fn query(&self, query: SqlQuery) -> Result<QueryOutput, QueryError> {
        let output = self.clickhouse.query(query).await?;
        self.rows.fetch_add(output.rows_read, Ordering::Relaxed);
        self.bytes.fetch_add(output.bytes_read, Ordering::Relaxed);
        self.queries.fetch_add(1, Ordering::Relaxed);
        Ok(output)
    }
}
