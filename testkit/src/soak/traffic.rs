//! Callers and exporters at work, at a steady rate.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Plan;
use super::books::Books;
use super::caller::{self, Door};
use super::export::{self, Exported};
use super::mix::{KINDS, pick, shares};
use super::report::Tally;
use super::world::World;

/// Calls that may be under way at once.
const UNDER_WAY_MAX: usize = 600;
/// Requests a second by OTLP, of ten items each.
const EXPORTS_A_SECOND: f64 = 20.0;

/// How calls went, by kind.
#[derive(Debug, Default)]
pub(super) struct Tallies(Mutex<Vec<Tally>>);

impl Tallies {
    fn add(&self, place: usize, went: caller::Went) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.resize(KINDS.len(), Tally::default());
        let tally = &mut tallies[place];
        tally.calls += 1;
        *tally.statuses.entry(went.status).or_default() += 1;
        if let Some(amiss) = went.amiss {
            *tally.amiss.entry(amiss).or_default() += 1;
        }
    }

    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn take(&self) -> Vec<Tally> {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.resize(KINDS.len(), Tally::default());
        std::mem::take(&mut *tallies)
    }
}

/// Callers and exporters at work.
pub(super) struct Traffic {
    stop: Arc<AtomicBool>,
    callers: tokio::task::JoinHandle<()>,
    exporters: JoinSet<Result<()>>,
    held_back: Arc<AtomicUsize>,
}

impl Traffic {
    pub(super) fn start(
        world: &World,
        plan: &Plan,
        (exported, tallies): (&Arc<Exported>, &Arc<Tallies>),
        seed: u64,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let held_back = Arc::new(AtomicUsize::new(0));
        let exporters = export::start(&world.collector(), exported, &stop, EXPORTS_A_SECOND);
        let offer = Offer {
            door: world.door(),
            client: caller::client()?,
            books: Arc::clone(&world.books),
            tallies: Arc::clone(tallies),
            stop: Arc::clone(&stop),
            held_back: Arc::clone(&held_back),
        };
        Ok(Self {
            callers: tokio::spawn(offer.run(plan.rate, seed)),
            stop,
            exporters,
            held_back,
        })
    }

    /// Ends it; what is under way comes to its end. How many calls were held back.
    pub(super) async fn finish(mut self) -> Result<usize> {
        self.stop.store(true, Ordering::SeqCst);
        self.callers.await?;
        while let Some(ended) = self.exporters.join_next().await {
            ended??;
        }
        Ok(self.held_back.load(Ordering::SeqCst))
    }
}

/// Calls at a steady rate, whatever the answers.
struct Offer {
    door: Door,
    client: reqwest::Client,
    books: Arc<Books>,
    tallies: Arc<Tallies>,
    stop: Arc<AtomicBool>,
    held_back: Arc<AtomicUsize>,
}

impl Offer {
    async fn run(self, rate: f64, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let places = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate.max(1.0)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        let mut under_way = JoinSet::new();
        let door = Arc::new(self.door);
        while !self.stop.load(Ordering::SeqCst) {
            ticks.tick().await;
            while under_way.try_join_next().is_some() {}
            let place = pick(random.random_range(0..shares()));
            let Ok(permit) = Arc::clone(&places).try_acquire_owned() else {
                self.held_back.fetch_add(1, Ordering::SeqCst);
                continue;
            };
            let (door, client) = (Arc::clone(&door), self.client.clone());
            let (books, tallies) = (Arc::clone(&self.books), Arc::clone(&self.tallies));
            under_way.spawn(async move {
                let went = caller::call(&door, &client, &books, place).await;
                tallies.add(place, went);
                drop(permit);
            });
        }
        while under_way.join_next().await.is_some() {}
    }
}
