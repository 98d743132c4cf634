//! Collectors side by side, in one run, with the same generator and the same engine: Brokle, Brokle without a sync
//! before its acknowledgement, and Rotel. Needs two processors: collectors run on the first, generator and sink on
//! the second.
//!
//! usage: ingest BROKLE [short|full] [ROTEL] [CELL]    (`scripts/bench ingest` runs it)
#![expect(clippy::print_stdout, reason = "a benchmark that prints")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use brokle_testkit::bench::cell::{Bench, Cell, Measured, Target, Transport};
use brokle_testkit::bench::collector::{Kind, Programs};
use brokle_testkit::bench::engine::Engine;
use brokle_testkit::bench::load::Bodies;
use brokle_testkit::bench::payload::{Encoding, Shape, Template};
use brokle_testkit::bench::{process, report};

/// Compressed bodies of one cell.
const READY_BYTES_MAX: usize = 400 << 20;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let brokle = std::path::absolute(arguments.next().unwrap_or_else(|| "target/release/brokle".into()))?;
    let is_full = arguments.next().as_deref() == Some("full");
    let rotel = arguments.next().map(PathBuf::from).filter(|path| path.is_file());
    let wanted = arguments.next().unwrap_or_default();
    let is_pinned = std::thread::available_parallelism()?.get() >= 2;
    if is_pinned {
        process::bind_self("1")?;
    } else {
        println!("one processor: nothing is pinned, and rates say little");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(run(brokle, rotel, is_full, is_pinned, &wanted))
}

async fn run(
    brokle: PathBuf,
    rotel: Option<PathBuf>,
    is_full: bool,
    is_pinned: bool,
    wanted: &str,
) -> Result<()> {
    let engine = Engine::start(&brokle, is_pinned.then_some("0,1"))?;
    let mut kinds = vec![Kind::Brokle, Kind::BrokleUnsynced];
    match &rotel {
        Some(_) => kinds.push(Kind::Rotel),
        None => println!("rotel is not installed: Brokle alone"),
    }
    let mut bench = Bench {
        programs: Programs { brokle, rotel },
        engine,
        processors: is_pinned.then(|| "0".to_owned()),
        next: 0,
    };
    println!("{}", report::head());
    for plan in plans().into_iter().filter(|plan| plan.name().contains(wanted)) {
        let rounds = if is_full { 5 } else { plan.short_rounds };
        if rounds > 0 {
            compare(&mut bench, &kinds, &plan, rounds, is_full).await?;
        }
    }
    println!("\n{}", report::LEGEND);
    Ok(())
}

/// A cell, before its bodies are made.
struct CellPlan {
    shape: Shape,
    spans: u64,
    encoding: Encoding,
    transport: Transport,
    target: Target,
    rate: Option<f64>,
    /// Rounds of a short run; zero leaves the cell to full ones.
    short_rounds: usize,
}

/// As many requests as go, into the sink, only in full runs; what differs is said behind.
fn cell(shape: Shape, spans: u64, transport: Transport) -> CellPlan {
    CellPlan {
        shape,
        spans,
        encoding: Encoding::Identity,
        transport,
        target: Target::Sink,
        rate: None,
        short_rounds: 0,
    }
}

impl CellPlan {
    fn short(self, short_rounds: usize) -> Self {
        Self { short_rounds, ..self }
    }

    fn encoded(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }

    /// At a fixed rate of requests a second.
    fn paced(self, rate: f64) -> Self {
        Self {
            rate: Some(rate),
            ..self
        }
    }

    /// Into the engine, at a rate that it can take.
    fn stored(self, rate: f64) -> Self {
        Self {
            target: Target::Engine,
            rate: Some(rate),
            ..self
        }
    }

    fn name(&self) -> String {
        let end = match self.target {
            Target::Sink => "sink",
            Target::Engine => "engine",
        };
        let shape = match self.shape {
            Shape::Small => "small",
            Shape::Model => "llm 1.5 KB",
            Shape::LongModel => "llm 5 KB",
        };
        let transport = match self.transport {
            Transport::Http => "http",
            Transport::Grpc => "grpc",
        };
        let encoding = self.encoding.header().map(|name| format!(", {name}"));
        let rate = self.rate.map(|rate| format!(", {rate}/s"));
        format!(
            "{end}: {shape} x{}, {transport}{}{}",
            self.spans,
            encoding.unwrap_or_default(),
            rate.unwrap_or_default()
        )
    }
}

fn plans() -> Vec<CellPlan> {
    use Encoding::{Gzip, Zstd};
    use Shape::{LongModel, Model, Small};
    use Transport::{Grpc, Http};
    vec![
        cell(Small, 1_000, Http).short(3),
        cell(Small, 100, Http).short(1),
        cell(Small, 1_000, Grpc).short(3),
        cell(LongModel, 200, Http).short(3),
        cell(LongModel, 100, Grpc),
        cell(Model, 100, Http).short(1),
        cell(Small, 1_000, Http).encoded(Gzip).short(1),
        cell(Small, 1_000, Http).encoded(Zstd),
        cell(LongModel, 100, Http).encoded(Gzip),
        cell(LongModel, 100, Grpc).encoded(Zstd),
        cell(Small, 100, Http).paced(2_000.0).short(1),
        cell(LongModel, 100, Http).paced(300.0).short(1),
        cell(Small, 1_000, Http).stored(50.0).short(1),
        cell(LongModel, 100, Http).stored(40.0).short(1),
        cell(Model, 100, Http).stored(60.0),
    ]
}

/// Measures every collector, in an order that turns from round to round, and prints the medians.
async fn compare(
    bench: &mut Bench,
    kinds: &[Kind],
    plan: &CellPlan,
    rounds: usize,
    is_full: bool,
) -> Result<()> {
    let cell = make(plan, is_full)?;
    println!("{}", report::cell(&cell));
    let kinds: Vec<Kind> = kinds
        .iter()
        .copied()
        .filter(|kind| kind.reads(plan.encoding))
        .collect();
    let mut results: Vec<(Vec<Measured>, Vec<String>)> = vec![Default::default(); kinds.len()];
    for round in 0..rounds {
        for turn in 0..kinds.len() {
            let chosen = (round + turn) % kinds.len();
            match bench.measure(kinds[chosen], &cell).await {
                Ok(measured) => results[chosen].0.push(measured),
                Err(error) => results[chosen].1.push(format!("{error:#}")),
            }
        }
    }
    for (kind, (measured, failures)) in kinds.into_iter().zip(results) {
        println!("{}", report::line(kind, measured, &failures));
    }
    Ok(())
}

fn make(plan: &CellPlan, is_full: bool) -> Result<Cell> {
    let template = Arc::new(Template::new(plan.shape, plan.spans)?);
    let bodies = match plan.encoding {
        Encoding::Identity => Bodies::Template,
        encoding => {
            let one = template.compressed(encoding, 0, 1)?.remove(0).len();
            let count = (READY_BYTES_MAX / one.max(1)).min(2_000);
            Bodies::Ready(Arc::new(template.compressed(encoding, 1, count as u64)?))
        }
    };
    Ok(Cell {
        name: plan.name(),
        template,
        bodies,
        encoding: plan.encoding,
        transport: plan.transport,
        target: plan.target,
        lanes: if plan.rate.is_some() { 32 } else { 8 },
        rate: plan.rate,
        // What follows an insert, merges and roll-ups, needs time to show.
        length: Duration::from_secs(match plan.target {
            Target::Sink if is_full => 5,
            Target::Sink => 3,
            Target::Engine => 12,
        }),
    })
}
