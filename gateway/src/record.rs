//! What a call did, kept while it runs and handed over when it ends. The guard hands it over on every way
//! out: an answer, a failure, or the caller hanging up, which drops the guard wherever the call stands.
//!
//! Turning a record into spans happens in [`recorder`], off the caller's clock.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;
use std::time::{Duration, Instant};

use brokle_model::id::{ApiKeyId, ProjectId, SpanId};
use brokle_model::price::Mode;
use brokle_model::usage::TokenUsage;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::OwnedSemaphorePermit;

use crate::cache::{Keeping, Nearest, Origin};
use crate::config::CaptureConfig;
use crate::dialect::door::Door;
use crate::dialect::openai::reply::Reply;
use crate::guard::GuardRecord;
use crate::provider::Provider;
use crate::quota::{QuotaRecord, Settling};
use crate::route::Target;
use crate::route::load::{Busy, Load};
use crate::trace_context::TraceContext;

mod attributes;
mod estimate;
mod guards;
mod otlp;
mod race;
pub(crate) mod recorder;
mod request;
mod span;
mod wire;

pub(crate) use race::RaceEnd;
use recorder::Recorder;

/// A shorter conversation is read again sooner than it is cut out.
const CONVERSATION_BYTES_MIN: usize = 256;
/// The status recorded for a call whose caller went away.
pub(crate) const CLIENT_CLOSED_REQUEST: u16 = 499;
/// The decision about an attempt whose call another attempt answered first.
pub(crate) const OUTRUN: &str = "outrun";

/// One call, from its first header to the last byte of its answer.
#[derive(Debug)]
pub(crate) struct CallRecord {
    /// By which door it came.
    pub(crate) door: Door,
    pub(crate) project: ProjectId,
    pub(crate) key: ApiKeyId,
    /// Patterns of the models that the key may use; all when there are none.
    pub(crate) models: Arc<[String]>,
    pub(crate) environment: String,
    pub(crate) trace: TraceContext,
    pub(crate) span: SpanId,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) started: Instant,
    pub(crate) ended: Duration,
    pub(crate) caller: Caller,
    pub(crate) capture: CaptureConfig,
    /// Nothing until the body has been read and understood.
    pub(crate) request: Option<RequestRecord>,
    pub(crate) route: Option<String>,
    pub(crate) strategy: &'static str,
    /// The route's rule that held.
    pub(crate) rule: Option<String>,
    /// The arm of the route's split.
    pub(crate) arm: Option<String>,
    /// The headers by which the caller decided something.
    pub(crate) overrides: Vec<&'static str>,
    /// Whether nobody gets the answer.
    pub(crate) shadow: bool,
    /// What was decided, when that was asked for and nothing else.
    pub(crate) explained: Option<Explained>,
    /// Targets that were passed over because their circuits are open.
    pub(crate) passed_over: Vec<String>,
    /// What the cache did, when the call had to do with it.
    pub(crate) cache: Option<CacheRecord>,
    /// What guardrails did, when any applied.
    pub(crate) guard: Option<GuardRecord>,
    /// How its quotas stood, when it had any.
    pub(crate) quota: Option<QuotaRecord>,
    pub(crate) attempts: Vec<AttemptRecord>,
    /// Of a record that races another: the attempts that the other has.
    pub(crate) attempts_before: usize,
    /// The status that the caller got.
    pub(crate) status: u16,
    pub(crate) failure: Option<Failure>,
    pub(crate) outcome: Outcome,
}

/// The target to which a call would go.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) provider: String,
    pub(crate) vendor: String,
    pub(crate) model: String,
}

/// What the cache did for a call.
#[derive(Debug)]
pub(crate) struct CacheRecord {
    /// The request's key; nothing when its answer must not be given again.
    pub(crate) key: Option<String>,
    pub(crate) outcome: CacheOutcome,
}

/// Whether a kept answer was given.
#[derive(Debug)]
pub(crate) enum CacheOutcome {
    /// It was, and this is where it came from.
    Hit(Box<Hit>),
    /// There was none.
    Miss,
    /// It was not looked for.
    Bypassed,
}

/// A kept answer that was given.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) span: SpanId,
    pub(crate) origin: Origin,
    pub(crate) age: Duration,
    /// The question that it answered, when that was worded otherwise.
    pub(crate) nearest: Option<Nearest>,
}

impl CacheOutcome {
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Hit(_) => "hit",
            Self::Miss => "miss",
            Self::Bypassed => "bypass",
        }
    }
}

impl CacheRecord {
    /// The answer that was given from the cache.
    pub(crate) fn hit(&self) -> Option<&Hit> {
        match &self.outcome {
            CacheOutcome::Hit(hit) => Some(hit),
            CacheOutcome::Miss | CacheOutcome::Bypassed => None,
        }
    }
}

/// How a call or an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With an answer.
    Answered,
    /// With an error.
    Failed,
    /// The caller went away first.
    Cancelled,
}

impl Outcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Who calls, as the headers say.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    pub(crate) user: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) user_agent: Option<String>,
}

/// The request as it came.
#[derive(Debug, Clone)]
pub(crate) struct RequestRecord {
    pub(crate) body: Bytes,
    /// Where the conversation is in the body; empty when that is not known.
    pub(crate) messages_at: Range<usize>,
    pub(crate) model: String,
    pub(crate) stream: bool,
}

impl RequestRecord {
    /// The body without its conversation, which may be most of it.
    pub(crate) fn parameters(&self) -> Cow<'_, [u8]> {
        let Range { start, end } = self.messages_at;
        match (self.body.get(..start), self.body.get(end..)) {
            (Some(before), Some(after)) if start + CONVERSATION_BYTES_MIN < end => {
                [before, b"null", after].concat().into()
            }
            _ => Cow::Borrowed(&self.body),
        }
    }
}

/// What went wrong.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// A low-cardinality word: `error.type`.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

/// One request to one provider.
#[derive(Debug)]
pub(crate) struct AttemptRecord {
    pub(crate) span: SpanId,
    /// Its place among the call's attempts by when they began, from 0.
    pub(crate) number: usize,
    /// Whether it raced another one that was slow.
    pub(crate) hedge: bool,
    pub(crate) provider: Arc<Provider>,
    pub(crate) model: String,
    pub(crate) load: Arc<Load>,
    /// Its place among the target's calls in progress, while it runs.
    busy: Option<Busy>,
    /// Since the call's start.
    pub(crate) started: Duration,
    /// Since the call's start; nothing while it runs.
    pub(crate) ended: Option<Duration>,
    pub(crate) status: Option<u16>,
    pub(crate) failure: Option<Failure>,
    /// From the attempt's start to the first piece of the answer.
    pub(crate) first_chunk: Option<Duration>,
    pub(crate) answer: Answer,
    /// What it used, by our own count, when its provider did not say.
    pub(crate) estimate: Option<TokenUsage>,
    /// What the call did next.
    pub(crate) decision: &'static str,
    pub(crate) upstream_request_id: Option<String>,
    /// Fields of the request that were changed or left out because the provider's format has no place for them.
    pub(crate) adapted: Vec<&'static str>,
}

/// What an attempt brought.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Nothing.
    Nothing,
    /// A whole one.
    Body(WholeAnswer),
    /// What a stream has said so far.
    Streamed(Box<Reply>),
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct WholeAnswer {
    /// In the pivot format; read later.
    pub(crate) body: Bytes,
    pub(crate) model: Option<String>,
    pub(crate) usage: Option<TokenUsage>,
    pub(crate) mode: Mode,
}

impl CallRecord {
    /// What was said, as it may be recorded.
    pub(crate) fn hidden(&self, said: Option<String>) -> Option<String> {
        match &self.guard {
            Some(guard) => guard.hide(said?),
            None => said,
        }
    }

    /// Starts an attempt.
    pub(crate) fn begin_attempt(&mut self, target: &Target, now_ms: i64) -> &mut AttemptRecord {
        let started = self.started.elapsed();
        self.attempts.push(AttemptRecord {
            span: SpanId::generate(),
            number: self.attempts.len() + self.attempts_before,
            hedge: self.attempts_before > 0,
            provider: Arc::clone(&target.provider),
            model: target.model.clone(),
            load: Arc::clone(&target.load),
            busy: Some(target.load.begin(now_ms)),
            started,
            ended: None,
            status: None,
            failure: None,
            first_chunk: None,
            answer: Answer::Nothing,
            estimate: None,
            decision: "",
            upstream_request_id: None,
            adapted: Vec::new(),
        });
        let last = self.attempts.len() - 1;
        &mut self.attempts[last]
    }

    /// How soon the running attempt's answer began: its first piece, or all of it.
    pub(crate) fn latency(&self) -> Duration {
        let since_start = self.started.elapsed();
        self.attempts.last().map_or(Duration::ZERO, |attempt| {
            attempt
                .first_chunk
                .unwrap_or(since_start.saturating_sub(attempt.started))
        })
    }

    /// The attempt that runs, or ran last.
    pub(crate) fn attempt(&mut self) -> Option<&mut AttemptRecord> {
        self.attempts.last_mut()
    }

    /// Ends the running attempt.
    pub(crate) fn end_attempt(&mut self, failure: Option<Failure>, decision: &'static str) {
        let now = self.started.elapsed();
        if let Some(attempt) = self.attempts.last_mut().filter(|attempt| attempt.ended.is_none()) {
            attempt.ended = Some(now);
            attempt.busy = None;
            attempt.failure = failure;
            attempt.decision = decision;
        }
    }

    /// Tells the targets how many tokens their attempts used.
    fn note_use(&self) {
        let now = self.started_at + self.ended;
        for attempt in &self.attempts {
            let usage = match &attempt.answer {
                Answer::Nothing => None,
                Answer::Body(whole) => whole.usage,
                Answer::Streamed(reply) => reply.usage,
            };
            if let Some(usage) = usage {
                let tokens = usage.input.saturating_add(usage.output);
                attempt.load.note_tokens(tokens, now.timestamp_millis());
            }
        }
    }

    /// What the running stream has said so far.
    pub(crate) fn reply(&mut self) -> Option<&mut Reply> {
        match &mut self.attempts.last_mut()?.answer {
            Answer::Streamed(reply) => Some(reply),
            Answer::Nothing | Answer::Body(_) => None,
        }
    }
}

/// Owns a record until the call ends, however it ends.
pub(crate) struct CallGuard {
    record: Option<Box<CallRecord>>,
    recorder: Arc<Recorder>,
    /// Where the answer is to be kept.
    keeping: Option<Keeping>,
    /// What it has reserved.
    settling: Option<Settling>,
    /// The attempt that races the call's own.
    sibling: Option<Box<CallRecord>>,
    _slot: Slot,
}

/// A call's place among those in progress; free as soon as it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    in_flight: Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Slot {
    pub(crate) fn new(permit: OwnedSemaphorePermit, in_flight: &Gauge) -> Self {
        in_flight.inc();
        Self {
            in_flight: in_flight.clone(),
            _permit: permit,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.in_flight.dec();
    }
}

impl CallGuard {
    pub(crate) fn new(record: CallRecord, recorder: Arc<Recorder>, slot: Slot) -> Self {
        Self {
            record: Some(Box::new(record)),
            recorder,
            keeping: None,
            settling: None,
            sibling: None,
            _slot: slot,
        }
    }

    /// What the call uses is to be settled so.
    pub(crate) fn settle_with(&mut self, settling: Settling) {
        self.settling = Some(settling);
    }

    /// The answer is to be kept there.
    pub(crate) fn keep_in(&mut self, keeping: Keeping) {
        self.keeping = Some(keeping);
    }

    /// Where the answer is to be kept; the one who takes this does it.
    pub(crate) fn take_keeping(&mut self) -> Option<Keeping> {
        self.keeping.take()
    }

    /// The call is over: `status` went to the caller.
    pub(crate) fn finish(mut self, status: u16, failure: Option<Failure>) {
        if let Some(mut record) = self.record.take() {
            record.outcome = if failure.is_some() {
                Outcome::Failed
            } else {
                Outcome::Answered
            };
            record.status = status;
            record.failure = failure;
            self.hand_over(record);
        }
    }

    fn hand_over(&mut self, mut record: Box<CallRecord>) {
        if let Some(sibling) = self.sibling.take() {
            record.join_race(*sibling, RaceEnd::FirstWon, None, "cancelled");
        }
        record.ended = record.started.elapsed();
        record.note_use();
        let (settling, recorder) = (self.settling.take(), Arc::clone(&self.recorder));
        let conclude = move |record: Box<CallRecord>| {
            if let Some(settling) = settling {
                settling.settle(&record);
            }
            recorder.record(record);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if estimate::is_needed(&record) => {
                self.recorder.count(&runtime, move || {
                    estimate::fill(&mut record);
                    conclude(record);
                });
            }
            _ => conclude(record),
        }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        if let Some(mut record) = self.record.take() {
            record.outcome = Outcome::Cancelled;
            record.status = CLIENT_CLOSED_REQUEST;
            record.end_attempt(None, "cancelled");
            self.hand_over(record);
        }
    }
}

impl Deref for CallGuard {
    type Target = CallRecord;

    #[expect(clippy::expect_used, reason = "the record leaves only with the guard itself")]
    fn deref(&self) -> &CallRecord {
        self.record
            .as_deref()
            .expect("a guard holds its record until it is consumed")
    }
}

impl DerefMut for CallGuard {
    #[expect(clippy::expect_used, reason = "the record leaves only with the guard itself")]
    fn deref_mut(&mut self) -> &mut CallRecord {
        self.record
            .as_deref_mut()
            .expect("a guard holds its record until it is consumed")
    }
}
