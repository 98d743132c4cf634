//! What is measured of a gateway: one round takes a freshly started one through all cells.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::calls::{Call, Shape};
use super::drive::{Drove, Load, drive, share_of};
use super::mock::Mock;
use super::peer::{Kind, Peer, Places};

/// Connections of the cells that ask what a call costs.
const LANES: usize = 8;
/// Most calls under way at a fixed rate.
const RATE_LANES: usize = 64;
const WARM_UP: Duration = Duration::from_secs(1);
/// How soon memory after a load is looked at.
const REST: Duration = Duration::from_secs(3);
/// A gateway is at rest when it uses less than this share of a processor.
const SHARE_AT_REST: f64 = 0.05;
const LOOK_AT_REST: Duration = Duration::from_millis(400);
const AT_REST_WITHIN: Duration = Duration::from_secs(8);
/// What a gateway must be able to do beyond what a cell offers.
const MARGIN: f64 = 1.1;

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Calls of one shape on a few connections, as fast as answers come: what a call costs.
    Cost(Shape),
    /// Calls of 1 KB, one after the other: what is added to an answer.
    One,
    /// Streams in their own rhythm, one after the other: what is added to the first piece, and to each.
    First,
    /// Calls of 1 KB at a fixed rate a second.
    Rate(u32),
    /// Streams that come at once, on many connections: whether writes wait for one another.
    Burst(usize),
    /// Streams with so many milliseconds between pieces, on many connections.
    Paced(usize, u32),
}

impl Cell {
    /// For the tables, and to choose by.
    pub fn name(self) -> String {
        match self {
            Self::Cost(Shape::Small) => "cost 1 KB".to_owned(),
            Self::Cost(Shape::Large) => "cost 50 KB".to_owned(),
            Self::Cost(Shape::Stream) => "cost stream".to_owned(),
            Self::One => "one connection".to_owned(),
            Self::First => "first token".to_owned(),
            Self::Rate(rate) => format!("{rate} a second"),
            Self::Burst(lanes) => format!("{lanes} streams at once"),
            Self::Paced(lanes, pace_ms) => format!("{lanes} streams, {pace_ms} ms"),
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Cost(shape) => shape,
            Self::One | Self::Rate(_) => Shape::Small,
            Self::First | Self::Burst(_) | Self::Paced(..) => Shape::Stream,
        }
    }

    fn lanes(self) -> usize {
        match self {
            Self::Cost(_) => LANES,
            Self::One | Self::First => 1,
            Self::Rate(_) => RATE_LANES,
            Self::Burst(lanes) | Self::Paced(lanes, _) => lanes,
        }
    }

    /// Time between the pieces of a stream.
    pub fn pace(self) -> Duration {
        match self {
            Self::First => Duration::from_millis(5),
            Self::Paced(_, pace_ms) => Duration::from_millis(pace_ms.into()),
            _ => Duration::ZERO,
        }
    }

    /// Calls a second that it takes to keep up, if it matters, of calls or of streams.
    fn needs(self) -> Option<(Shape, f64)> {
        match self {
            Self::Rate(rate) => Some((Shape::Small, f64::from(rate))),
            Self::Paced(lanes, pace_ms) => {
                let stream_seconds = f64::from(pace_ms) * super::mock::PIECES as f64 / 1e3;
                Some((Shape::Stream, lanes as f64 / stream_seconds))
            }
            _ => None,
        }
    }
}

/// What came out of one cell. Times are in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// Calls answered a second.
    pub rate: f64,
    /// Calls that were answered.
    pub answered: u64,
    /// Processor time of the gateway for a call.
    pub gateway_us: f64,
    /// Of its database.
    pub database_us: f64,
    /// Processors that the gateway kept busy during the load.
    pub share: f64,
    /// The whole answer.
    pub p50_us: f64,
    /// The whole answer.
    pub p99_us: f64,
    /// The first piece of a stream.
    pub first_p50_us: f64,
    /// The first piece of a stream.
    pub first_p99_us: f64,
    /// How long a piece was on its way.
    pub way_p50_us: f64,
    /// How long a piece was on its way.
    pub way_p99_us: f64,
    /// The longest time between two pieces of a stream: of 99 in 100 streams.
    pub gap_p99_us: f64,
    /// And of all.
    pub gap_max_us: f64,
}

impl Measured {
    fn of(drove: &Drove) -> Self {
        let us = |times: &[f64], share: f64| share_of(times, share) * 1e6;
        Self {
            rate: drove.rate(),
            answered: drove.answered,
            p50_us: us(&drove.times, 0.5),
            p99_us: us(&drove.times, 0.99),
            first_p50_us: us(&drove.firsts, 0.5),
            first_p99_us: us(&drove.firsts, 0.99),
            way_p50_us: us(&drove.ways, 0.5),
            way_p99_us: us(&drove.ways, 0.99),
            gap_p99_us: us(&drove.gaps, 0.99),
            gap_max_us: us(&drove.gaps, 1.0),
            ..Self::default()
        }
    }
}

/// A gateway's memory in MiB: of its own processes, and of its database.
pub type Memory = (u64, u64);

/// One gateway, taken through all cells.
#[derive(Debug)]
pub struct Round {
    /// From its start to its first good answer.
    pub started_in: Duration,
    /// Before any load.
    pub idle: Memory,
    /// At its most, at the ends of cells.
    pub loaded: Memory,
    /// Some seconds after all.
    pub after: Memory,
    /// Calls that were made, and of how many the spans are stored.
    pub calls: u64,
    /// Of how many calls the spans are stored, if they are.
    pub stored: Option<u64>,
    /// For each cell, what came out or why nothing did.
    pub cells: Vec<Result<Measured, String>>,
}

/// Where rounds run.
#[derive(Debug)]
pub struct Bench {
    /// The provider.
    pub mock: Mock,
    /// Programs and processors.
    pub places: Places,
    /// Seconds of load for each cell.
    pub length: Duration,
    /// The number of the next call; each is used once in a run.
    pub next: u64,
}

/// Waits until a gateway does nothing of its own, or for so long that this is what it is like.
async fn rest(peer: &Peer) {
    let since = Instant::now();
    while since.elapsed() < AT_REST_WITHIN {
        let before = peer.processor_seconds().0;
        tokio::time::sleep(LOOK_AT_REST).await;
        let used = peer.processor_seconds().0 - before;
        if used < LOOK_AT_REST.as_secs_f64() * SHARE_AT_REST {
            return;
        }
    }
}

impl Bench {
    /// Takes a gateway through `cells`.
    pub async fn round(&mut self, kind: Kind, cells: &[Cell]) -> Result<Round> {
        let calls_before = self.mock.calls();
        let peer = Peer::start(kind, &self.places).await?;
        rest(&peer).await;
        let mut round = Round {
            started_in: peer.started_in,
            idle: peer.resident_mib(),
            loaded: (0, 0),
            after: (0, 0),
            calls: 0,
            stored: None,
            cells: Vec::new(),
        };
        for warm in [Cell::Cost(Shape::Small), Cell::Cost(Shape::Stream)] {
            // What it could not do is said by the cells.
            let _ = self.drive(&peer, warm, WARM_UP).await?;
        }
        // What a start costs is nobody's call's price: it may go on for a while, and begin with the first calls.
        self.settle(&peer, calls_before).await?;
        rest(&peer).await;
        let mut able: Vec<(Shape, f64)> = Vec::new();
        for &cell in cells {
            let measured = match Self::falls_behind(cell, &able) {
                Some(why) => Err(why),
                None => self
                    .measure(&peer, cell, calls_before)
                    .await
                    .map_err(|error| format!("{error:#}")),
            };
            if let (Cell::Cost(shape), Ok(measured)) = (cell, &measured) {
                able.push((shape, measured.rate));
            }
            round.cells.push(measured);
            let now = peer.resident_mib();
            round.loaded = (round.loaded.0.max(now.0), round.loaded.1.max(now.1));
        }
        round.calls = self.mock.calls() - calls_before;
        if let Some(stored) = &peer.stored {
            stored.wait_for(round.calls).await?;
            round.stored = Some(stored.calls().await?);
        }
        tokio::time::sleep(REST).await;
        round.after = peer.resident_mib();
        Ok(round)
    }

    /// Why a cell is not even tried: a gateway that cannot keep up gives latencies of its queue.
    fn falls_behind(cell: Cell, able: &[(Shape, f64)]) -> Option<String> {
        let (shape, needed) = cell.needs()?;
        let (_, rate) = able.iter().find(|(of, _)| *of == shape)?;
        (*rate < needed * MARGIN).then(|| format!("cannot ({rate:.0}/s)"))
    }

    async fn measure(&mut self, peer: &Peer, cell: Cell, calls_before: u64) -> Result<Measured> {
        self.settle(peer, calls_before).await?;
        let provider_before = self.mock.calls();
        let before = peer.processor_seconds();
        let drove = self.drive(peer, cell, self.length).await?;
        let during = peer.processor_seconds().0 - before.0;
        if drove.failed > 0 {
            let why = drove.failure.clone().unwrap_or_default();
            bail!(
                "{} of {} calls failed: {why}",
                drove.failed,
                drove.answered + drove.failed
            );
        }
        let asked = self.mock.calls() - provider_before;
        ensure!(
            asked == drove.answered,
            "{} calls, and {asked} came to the provider",
            drove.answered
        );
        // What is done after an answer belongs to its price.
        self.settle(peer, calls_before).await?;
        let after = peer.processor_seconds();
        let per_call = |seconds: f64| seconds * 1e6 / drove.answered.max(1) as f64;
        Ok(Measured {
            gateway_us: per_call(after.0 - before.0),
            database_us: per_call(after.1 - before.1),
            share: during / drove.elapsed.as_secs_f64().max(1e-9),
            ..Measured::of(&drove)
        })
    }

    /// Waits until everything so far is stored.
    async fn settle(&self, peer: &Peer, calls_before: u64) -> Result<()> {
        match &peer.stored {
            Some(stored) => stored.wait_for(self.mock.calls() - calls_before).await,
            None => Ok(()),
        }
    }

    async fn drive(&mut self, peer: &Peer, cell: Cell, length: Duration) -> Result<Drove> {
        self.mock.set_pace(cell.pace());
        let first = self.next;
        // More than any cell sends.
        self.next += 10_000_000;
        let load = Load {
            address: peer.address.clone(),
            call: Arc::new(Call::new(cell.shape(), peer)),
            lanes: cell.lanes(),
            rate: match cell {
                Cell::Rate(rate) => Some(f64::from(rate)),
                _ => None,
            },
            // A stream's gaps need several streams to show.
            length: length.max(cell.pace() * 60),
            first,
        };
        tokio::task::spawn_blocking(move || drive(load)).await?
    }
}
