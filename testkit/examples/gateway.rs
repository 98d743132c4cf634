//! Gateways side by side, in one run, with the same generator and the same provider: none, Envoy, Brokle with its spans
//! stored, and what else installs from a package registry. Needs two processors: gateways run on the first, generator
//! and provider on the second.
//!
//! usage: gateway BROKLE [short|full] [PEERS] [CELL] [GATEWAYS]    (`scripts/bench gateway` runs it)
//! CELL: only the cells whose name contains this text. GATEWAYS: only these, with commas between.
#![expect(clippy::print_stdout, reason = "a benchmark that prints")]

use std::time::Duration;

use anyhow::Result;
use brokle_testkit::bench::gateway::calls::Shape;
use brokle_testkit::bench::gateway::cell::{Bench, Cell};
use brokle_testkit::bench::gateway::mock::Mock;
use brokle_testkit::bench::gateway::peer::{Kind, Places};
use brokle_testkit::bench::gateway::report::{LEGEND, Results};
use brokle_testkit::bench::process;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let brokle = std::path::absolute(arguments.next().unwrap_or_else(|| "target/release/brokle".into()))?;
    let is_full = arguments.next().as_deref() == Some("full");
    let peers = std::path::absolute(arguments.next().unwrap_or_else(|| "target/bench-peers".into()))?;
    let wanted = arguments.next().unwrap_or_default();
    let only = arguments.next().unwrap_or_default();
    let is_pinned = std::thread::available_parallelism()?.get() >= 2;
    if is_pinned {
        process::bind_self("1")?;
    } else {
        println!("one processor: nothing is pinned, and rates say little");
    }
    let mock = Mock::start()?;
    let places = Places {
        brokle,
        peers,
        processors: is_pinned.then(|| "0".to_owned()),
        provider: mock.base_url(),
    };
    let kinds = kinds(&places, &only);
    let bench = Bench {
        mock,
        places,
        length: Duration::from_millis(if is_full { 3_000 } else { 1_500 }),
        next: 0,
    };
    let cells = cells(is_full)
        .into_iter()
        .filter(|cell| cell.name().contains(&wanted));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(compare(
        bench,
        &kinds,
        cells.collect(),
        if is_full { 4 } else { 2 },
    ))
}

/// Those that are installed; of the others it is said that they are not.
fn kinds(places: &Places, only: &str) -> Vec<Kind> {
    let wanted = |kind: &Kind| {
        *kind == Kind::Direct || only.is_empty() || only.split(',').any(|name| name == kind.name())
    };
    let (there, missing): (Vec<Kind>, Vec<Kind>) = Kind::ALL
        .into_iter()
        .filter(wanted)
        .partition(|kind| kind.is_there(places));
    for kind in missing {
        println!("{} is not installed: left out", kind.name());
    }
    there
}

fn cells(is_full: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::Cost(Shape::Small),
        Cell::Cost(Shape::Large),
        Cell::Cost(Shape::Stream),
        Cell::One,
        Cell::Rate(200),
        Cell::First,
        Cell::Burst(64),
        Cell::Paced(64, 20),
        Cell::Paced(256, 20),
        Cell::Paced(1_000, 50),
    ];
    if is_full {
        cells.insert(5, Cell::Rate(1_000));
        cells.insert(8, Cell::Burst(256));
    }
    cells
}

/// Takes every gateway through the cells, in an order that turns from round to round, and prints the medians.
async fn compare(mut bench: Bench, kinds: &[Kind], cells: Vec<Cell>, rounds: usize) -> Result<()> {
    let mut results = Results {
        rounds: kinds.iter().map(|kind| (*kind, Vec::new())).collect(),
        cells,
        failures: Vec::new(),
    };
    for number in 0..rounds {
        for turn in 0..kinds.len() {
            let chosen = (number + turn) % kinds.len();
            match bench.round(kinds[chosen], &results.cells).await {
                Ok(round) => results.rounds[chosen].1.push(round),
                Err(error) => results.failures.push((kinds[chosen], format!("{error:#}"))),
            }
        }
    }
    println!("{}", results.tables());
    println!("{LEGEND}");
    Ok(())
}
