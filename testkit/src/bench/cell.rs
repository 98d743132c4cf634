//! One measurement: a collector started afresh, a load, and everything that follows from it until it is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::collector::{Collector, Kind, Programs};
use super::engine::Engine;
use super::load::{Bodies, Outcome, Plan};
use super::payload::{Encoding, Template};
use super::process::{processor_seconds, resident_mib};
use super::sink::Sink;
use super::{grpc, http};
use crate::wait;

const ARRIVE_WITHIN: Duration = Duration::from_mins(1);
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// A sink that cannot count rows has had everything when nothing came for this long.
const NOTHING_MORE: Duration = Duration::from_millis(1_500);

/// Load before the measurement: the log has its files, buffers and connections are there, code is in memory.
const WARM_UP: Duration = Duration::from_secs(2);

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// OTLP/HTTP.
    Http,
    /// OTLP/gRPC.
    Grpc,
}

/// Where spans go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Into the sink.
    Sink,
    /// Into the engine.
    Engine,
}

/// What is measured.
#[derive(Debug, Clone)]
pub struct Cell {
    /// For the report.
    pub name: String,
    /// The spans.
    pub template: Arc<Template>,
    /// Compressed bodies, or none.
    pub bodies: Bodies,
    /// How bodies are compressed.
    pub encoding: Encoding,
    /// How they travel.
    pub transport: Transport,
    /// Where they go.
    pub target: Target,
    /// Requests under way at most.
    pub lanes: usize,
    /// Requests a second, or as many as go.
    pub rate: Option<f64>,
    /// Seconds of load.
    pub length: Duration,
}

/// What came out.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Spans that were acknowledged.
    pub acknowledged: u64,
    /// Spans that arrived, if that can be known.
    pub arrived: Option<u64>,
    /// Acknowledged and arrived, a second.
    pub spans_per_second: f64,
    /// Microseconds of processor time for a span: of the collector, of the engine.
    pub collector_us: f64,
    /// The engine's, merges included.
    pub engine_us: f64,
    /// Processors that the collector kept busy during the load.
    pub collector_share: f64,
    /// Most resident memory of the collector.
    pub resident_mib: u64,
    /// Acknowledgement, median.
    pub p50_ms: f64,
    /// Acknowledgement, 99th percentile.
    pub p99_ms: f64,
    /// Bytes of inserts for a span, into the sink.
    pub insert_bytes: f64,
}

/// What was there before a load.
#[derive(Debug, Clone, Copy)]
struct Stored {
    engine_rows: u64,
    sink_rows: u64,
    bytes: u64,
}

/// Where measurements run.
#[derive(Debug)]
pub struct Bench {
    /// The programs.
    pub programs: Programs,
    /// The engine.
    pub engine: Engine,
    /// The processor of collectors that are pinned.
    pub processors: Option<String>,
    /// The number of the next request; each is used once in a run.
    pub next: u64,
}

impl Bench {
    /// Measures one collector in one cell.
    pub async fn measure(&mut self, kind: Kind, cell: &Cell) -> Result<Measured> {
        self.prepare(kind, cell.target).await?;
        let sink = Sink::start(self.engine.url()).await?;
        let url = match cell.target {
            Target::Sink => sink.url(),
            Target::Engine => self.engine.url().to_owned(),
        };
        let collector = Collector::start(kind, &self.programs, self.processors.as_deref(), &url).await?;
        self.warm_up(kind, cell, &collector, &sink).await?;
        self.engine.wait_until_quiet().await?;
        let before = self.stored(kind, &sink).await?;
        let (collector_before, engine_before) = (
            processor_seconds(collector.pid())?,
            processor_seconds(self.engine.pid())?,
        );
        let plan = self.plan(cell, &collector);
        let started = Instant::now();
        let outcome = send(cell.transport, plan).await?;
        let during = processor_seconds(collector.pid())? - collector_before;
        if outcome.failed > 0 {
            let why = outcome.failure.unwrap_or_default();
            bail!(
                "{} of {} requests failed: {why}",
                outcome.failed,
                outcome.acknowledged + outcome.failed
            );
        }
        let spans = outcome.acknowledged * cell.template.spans();
        let (arrived, last) = self.arrival(kind, cell.target, &sink, before, spans).await?;
        if cell.target == Target::Engine {
            self.engine.wait_until_quiet().await?;
        }
        let collector_seconds = processor_seconds(collector.pid())? - collector_before;
        let engine_seconds = processor_seconds(self.engine.pid())? - engine_before;
        let (_, resident) = resident_mib(collector.pid())?;
        ensure!(
            arrived.is_none_or(|arrived| arrived == spans),
            "{spans} spans were acknowledged, {arrived:?} arrived"
        );
        let per_span = |seconds: f64| seconds * 1e6 / spans.max(1) as f64;
        Ok(Measured {
            acknowledged: spans,
            arrived,
            spans_per_second: spans as f64 / last.duration_since(started).max(outcome.elapsed).as_secs_f64(),
            collector_us: per_span(collector_seconds),
            engine_us: if cell.target == Target::Engine {
                per_span(engine_seconds)
            } else {
                0.0
            },
            collector_share: during / outcome.elapsed.as_secs_f64(),
            resident_mib: resident,
            p50_ms: outcome.latency_ms(0.5),
            p99_ms: outcome.latency_ms(0.99),
            insert_bytes: (sink.arrived().bytes - before.bytes) as f64 / spans.max(1) as f64,
        })
    }

    /// Fresh tables for the engine's own cells; before the sink, tables only have to be there.
    async fn prepare(&self, kind: Kind, target: Target) -> Result<()> {
        let database = kind.database();
        if target == Target::Engine {
            self.engine
                .execute("default", &format!("DROP DATABASE IF EXISTS {database} SYNC"))
                .await?;
        }
        self.engine
            .execute("default", &format!("CREATE DATABASE IF NOT EXISTS {database}"))
            .await?;
        let count = "SELECT count() FROM system.tables WHERE database = currentDatabase()";
        let tables = self
            .engine
            .client(database)?
            .fetch(count, "TabSeparated", STATEMENT_TIMEOUT)
            .await?;
        if kind == Kind::Rotel && tables.trim() == "0" {
            for statement in include_str!("rotel.sql").split_inclusive(";\n") {
                self.engine
                    .execute(database, statement.trim().trim_end_matches(';'))
                    .await?;
            }
        }
        Ok(())
    }

    /// Sends for a moment what does not count, and waits until it has arrived.
    async fn warm_up(&mut self, kind: Kind, cell: &Cell, collector: &Collector, sink: &Sink) -> Result<()> {
        let before = self.stored(kind, sink).await?;
        let plan = Plan {
            bodies: Bodies::Template,
            encoding: Encoding::Identity,
            length: WARM_UP,
            ..self.plan(cell, collector)
        };
        let spans = send(cell.transport, plan).await?.acknowledged * cell.template.spans();
        self.arrival(kind, cell.target, sink, before, spans).await?;
        Ok(())
    }

    /// What is there already.
    async fn stored(&self, kind: Kind, sink: &Sink) -> Result<Stored> {
        let arrived = sink.arrived();
        Ok(Stored {
            engine_rows: self.engine.rows(kind.database(), kind.table()).await?,
            sink_rows: arrived.rows,
            bytes: arrived.bytes,
        })
    }

    fn plan(&mut self, cell: &Cell, collector: &Collector) -> Plan {
        let first = self.next;
        // More than any measurement sends.
        self.next += 1_000_000;
        Plan {
            address: match cell.transport {
                Transport::Http => collector.http.clone(),
                Transport::Grpc => collector.grpc.clone(),
            },
            key: collector.key.clone(),
            template: Arc::clone(&cell.template),
            bodies: cell.bodies.clone(),
            encoding: cell.encoding,
            lanes: cell.lanes,
            rate: cell.rate,
            length: cell.length,
            first,
        }
    }

    /// Waits until everything arrived: how much, as far as that can be known, and when the last of it.
    async fn arrival(
        &self,
        kind: Kind,
        target: Target,
        sink: &Sink,
        before: Stored,
        spans: u64,
    ) -> Result<(Option<u64>, Instant)> {
        match target {
            Target::Engine => {
                let rows = || async {
                    let rows = self.engine.rows(kind.database(), kind.table()).await;
                    rows.unwrap_or(0).saturating_sub(before.engine_rows)
                };
                let all = || async { (rows().await >= spans).then_some(()) };
                // What is missing is said by the numbers.
                let _ = wait::until("all rows are there", ARRIVE_WITHIN, all).await;
                Ok((Some(rows().await), Instant::now()))
            }
            Target::Sink if kind.counts_rows() => {
                let rows = || sink.arrived().rows - before.sink_rows;
                let all = || async { (rows() >= spans).then_some(()) };
                let _ = wait::until("all rows came", ARRIVE_WITHIN, all).await;
                let arrived = sink.arrived();
                Ok((Some(rows()), arrived.last.unwrap_or_else(Instant::now)))
            }
            Target::Sink => {
                let is_over = || async {
                    let last = sink.arrived().last;
                    last.filter(|last| last.elapsed() > NOTHING_MORE)
                };
                Ok((
                    None,
                    wait::until("nothing more comes", ARRIVE_WITHIN, is_over).await?,
                ))
            }
        }
    }
}

async fn send(transport: Transport, plan: Plan) -> Result<Outcome> {
    tokio::task::spawn_blocking(move || match transport {
        Transport::Http => Ok(http::send(plan)),
        Transport::Grpc => grpc::send(plan),
    })
    .await?
}

/// The middle one of several rounds, by spans a second.
pub fn median(mut rounds: Vec<Measured>) -> Option<Measured> {
    rounds.sort_by(|left, right| left.spans_per_second.total_cmp(&right.spans_per_second));
    let middle = rounds.len() / 2;
    (middle < rounds.len()).then(|| rounds.swap_remove(middle))
}
