//! Sample data: a day in the life of an invented shop's support assistant. The same seed gives the same
//! data; nothing here reads a clock or sends anything.

mod calls;
mod conversation;
mod draft;
mod jobs;
mod models;
mod stories;

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, Utc};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

pub use calls::{Call, Caller};
pub use stories::reply;

use conversation::Conversation;
use draft::Draft;

/// Conversations that go on at the same time in the live feed.
const CONVERSATIONS_MAX: usize = 4;
const DAY: Duration = Duration::from_hours(24);

/// Makes traces and calls, one after the other.
pub struct Sample {
    random: StdRng,
    conversations: VecDeque<Conversation>,
    started: usize,
}

/// A trace and when it started.
pub struct DatedTrace {
    start_ns: u64,
    draft: Draft,
}

impl Sample {
    /// A source of data.
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            conversations: VecDeque::new(),
            started: 0,
        }
    }

    /// `count` traces over the day before `now`, denser towards its end, oldest first.
    pub fn history(&mut self, now: DateTime<Utc>, count: usize) -> Vec<DatedTrace> {
        let now = unix(now);
        let mut traces: Vec<(Duration, Draft)> = Vec::with_capacity(count);
        // Each round adds a trace at least, unless its time is not before `now`.
        for _ in 0..count * 4 {
            if traces.len() >= count {
                break;
            }
            let age = DAY.mul_f64(self.random.random::<f64>().powf(2.2));
            let start = now.saturating_sub(age);
            if self.random.random_bool(0.4) {
                let draft = jobs::any(&mut self.random);
                traces.extend(draft.map(|draft| (start, draft)));
            } else {
                traces.extend(self.conversation(start));
            }
            traces.retain(|(start, draft)| *start + draft.length() < now);
            traces.truncate(count);
        }
        traces.sort_by_key(|(start, _)| *start);
        traces
            .into_iter()
            .map(|(start, draft)| DatedTrace {
                start_ns: nanos(start),
                draft,
            })
            .collect()
    }

    /// A whole conversation, whose customer takes a minute or so between two turns.
    fn conversation(&mut self, start: Duration) -> Vec<(Duration, Draft)> {
        let Some(mut conversation) = self.start_conversation() else {
            return Vec::new();
        };
        let mut start = start;
        let mut turns = Vec::new();
        while let Some(draft) = conversation.next_turn(&mut self.random) {
            let pause = Duration::from_millis(self.random.random_range(20_000..140_000));
            let next = start + draft.length() + pause;
            turns.push((start, draft));
            start = next;
        }
        turns
    }

    fn start_conversation(&mut self) -> Option<Conversation> {
        self.started += 1;
        Conversation::start(&mut self.random, self.started)
    }

    /// One more trace for the live feed; it ends at `now`.
    pub fn next_trace(&mut self, now: DateTime<Utc>) -> Option<DatedTrace> {
        let draft = if self.random.random_bool(0.3) {
            jobs::any(&mut self.random)?
        } else {
            self.next_turn()?
        };
        Some(DatedTrace::ending(draft, now))
    }

    /// The next turn of the conversation that has waited longest, or the first of a new one. In turns, so that
    /// a customer has time to read before writing again.
    fn next_turn(&mut self) -> Option<Draft> {
        if self.conversations.len() == CONVERSATIONS_MAX
            && let Some(mut conversation) = self.conversations.pop_front()
            && let Some(draft) = conversation.next_turn(&mut self.random)
        {
            self.conversations.push_back(conversation);
            return Some(draft);
        }
        let mut conversation = self.start_conversation()?;
        let draft = conversation.next_turn(&mut self.random);
        self.conversations.push_back(conversation);
        draft
    }

    /// Calls of the gateway of every sort, for the start.
    pub fn opening_calls(&mut self) -> Vec<Call> {
        calls::opening(&mut self.random)
    }

    /// One more call of the gateway.
    pub fn next_call(&mut self) -> Option<Call> {
        calls::any(&mut self.random)
    }

    /// The pause until the next trace.
    pub fn next_pause(&mut self) -> Duration {
        Duration::from_millis(self.random.random_range(2_000..4_000))
    }

    /// Whether a call comes next, and not a trace.
    pub fn is_call_next(&mut self) -> bool {
        self.random.random_bool(0.35)
    }
}

impl DatedTrace {
    /// The trace of a program's own span, which ended at `now` after `took`.
    pub fn of_caller(caller: Caller, took: Duration, now: DateTime<Utc>) -> Self {
        Self::ending(caller.finish(took), now)
    }

    fn ending(draft: Draft, now: DateTime<Utc>) -> Self {
        let start = unix(now).saturating_sub(draft.length());
        Self {
            start_ns: nanos(start),
            draft,
        }
    }
}

/// An OTLP request with these traces.
pub fn request(traces: impl IntoIterator<Item = DatedTrace>) -> Vec<u8> {
    let resource_spans = traces
        .into_iter()
        .map(|trace| trace.draft.into_resource_spans(trace.start_ns))
        .collect();
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// Since 1970; before that, the epoch itself.
fn unix(now: DateTime<Utc>) -> Duration {
    Duration::from_micros(u64::try_from(now.timestamp_micros()).unwrap_or(0))
}

fn nanos(since_epoch: Duration) -> u64 {
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
