//! Carries out a load: as fast as answers come, or at a fixed rate. At a fixed rate a call's time counts from when it
//! was due, whoever was late, so that a gateway that stands still cannot hide the calls that would have met it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::calls::Call;
use super::check::Answer;
use super::wire::Connection;

/// How much earlier than due a sender wakes: a sleep is late by about this.
const EARLY: Duration = Duration::from_micros(120);
/// A lane that fails goes on, but not as fast as it can.
const AFTER_FAILURE: Duration = Duration::from_millis(20);
const STACK_BYTES: usize = 128 << 10;

/// What to send, where, how fast and how long.
#[derive(Debug, Clone)]
pub struct Load {
    /// `host:port`.
    pub address: String,
    /// The request.
    pub call: Arc<Call>,
    /// Connections.
    pub lanes: usize,
    /// Calls a second; `None`: each lane calls again when it has its answer.
    pub rate: Option<f64>,
    /// How long.
    pub length: Duration,
    /// The number of the first call: no other load of a run has it.
    pub first: u64,
}

/// What came of it. Times are in seconds, and sorted.
#[derive(Debug, Clone, Default)]
pub struct Drove {
    /// Answers as they should be.
    pub answered: u64,
    /// Any others.
    pub failed: u64,
    /// What was wrong with the first of those.
    pub failure: Option<String>,
    /// From the call, or from when it was due, to the end of its answer.
    pub times: Vec<f64>,
    /// The same, to the first piece of a stream.
    pub firsts: Vec<f64>,
    /// The longest time between two pieces, of each stream.
    pub gaps: Vec<f64>,
    /// How long each piece was on its way.
    pub ways: Vec<f64>,
    /// From the first call to the last answer.
    pub elapsed: Duration,
}

impl Drove {
    fn merge(&mut self, other: Self) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.failure = self.failure.take().or(other.failure);
        self.times.extend(other.times);
        self.firsts.extend(other.firsts);
        self.gaps.extend(other.gaps);
        self.ways.extend(other.ways);
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// The value below which a share of sorted values lies.
pub fn share_of(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    let at = (last as f64 * share) as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

struct Schedule {
    load: Load,
    next: AtomicU64,
    ready: Barrier,
    started: std::sync::OnceLock<Instant>,
}

impl Schedule {
    fn started(&self) -> Instant {
        *self.started.get_or_init(Instant::now)
    }

    /// The next call's number and when it is due, until the time is over.
    fn turn(&self) -> Option<(u64, Instant)> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let due = match self.load.rate {
            Some(rate) => self.started() + Duration::from_secs_f64(index as f64 / rate),
            None => Instant::now(),
        };
        let is_over = due.saturating_duration_since(self.started()) >= self.load.length;
        (!is_over).then_some((self.load.first + index, due))
    }
}

/// Carries it out. Blocks.
pub fn drive(load: Load) -> Result<Drove> {
    let lanes = load.lanes;
    let schedule = Arc::new(Schedule {
        load,
        next: AtomicU64::new(0),
        ready: Barrier::new(lanes),
        started: std::sync::OnceLock::new(),
    });
    let mut threads = Vec::with_capacity(lanes);
    for _ in 0..lanes {
        let schedule = Arc::clone(&schedule);
        let lane = thread::Builder::new().stack_size(STACK_BYTES);
        threads.push(
            lane.spawn(move || lane_of(&schedule))
                .context("a thread for a connection")?,
        );
    }
    let mut drove = Drove::default();
    for thread in threads {
        drove.merge(thread.join().unwrap_or_default());
    }
    drove.elapsed = schedule.started().elapsed();
    for times in [
        &mut drove.times,
        &mut drove.firsts,
        &mut drove.gaps,
        &mut drove.ways,
    ] {
        times.sort_by(f64::total_cmp);
    }
    Ok(drove)
}

fn lane_of(schedule: &Schedule) -> Drove {
    let mut drove = Drove::default();
    let mut buffer = schedule.load.call.buffer();
    let mut connection = Connection::open(&schedule.load.address).ok();
    schedule.ready.wait();
    while let Some((number, due)) = schedule.turn() {
        schedule.load.call.number(&mut buffer, number);
        let from = match schedule.load.rate {
            Some(_) => wait_until(due),
            None => Instant::now(),
        };
        match exchange(schedule, &buffer, &mut connection) {
            Ok((answer, over)) => drove.add(&answer, from, over),
            Err(error) => {
                connection = None;
                drove.failed += 1;
                drove.failure.get_or_insert(format!("{error:#}"));
                thread::sleep(AFTER_FAILURE);
            }
        }
    }
    drove
}

impl Drove {
    fn add(&mut self, answer: &Answer, from: Instant, over: Instant) {
        self.answered += 1;
        self.times
            .push(over.saturating_duration_since(from).as_secs_f64());
        if let Some(first) = answer.first_at {
            self.firsts
                .push(first.saturating_duration_since(from).as_secs_f64());
            self.gaps.push(answer.gap.as_secs_f64());
            self.ways.extend_from_slice(&answer.ways);
        }
    }
}

/// Waits, and gives the moment from which the call's time counts: a call that was handed out late is late.
fn wait_until(due: Instant) -> Instant {
    thread::sleep(
        due.saturating_duration_since(Instant::now())
            .saturating_sub(EARLY),
    );
    while Instant::now() < due {
        thread::yield_now();
    }
    due
}

fn exchange(
    schedule: &Schedule,
    request: &[u8],
    connection: &mut Option<Connection>,
) -> Result<(Answer, Instant)> {
    let mut answer = Answer::new(schedule.load.call.is_stream);
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(&schedule.load.address)?),
    };
    let stays = open.exchange(request, |bytes, now| answer.read(bytes, now))?;
    let over = Instant::now();
    if !stays {
        *connection = None;
    }
    answer.verify()?;
    Ok((answer, over))
}
