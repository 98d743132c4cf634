//! The stream to the caller, as a response body: it reads from the provider when the caller takes, and no
//! further, so a slow caller slows the provider and nothing piles up between them. Frames go out as they
//! came, each at once.
//!
//! The body owns the call's record and the provider's connection. When the caller hangs up, the server drops
//! the body, and both end with it. A caller that stays connected and reads nothing is never polled for; a
//! watchdog ends its call when its time is over.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use brokle_model::clock::SharedClock;
use brokle_model::price::{Mode, PriceBook};
use bytes::Bytes;
use http_body::Frame as BodyFrame;
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::attempt::Opened;
use crate::cache::{Brought, Origin, Tape};
use crate::config::BreakerConfig;
use crate::cost;
use crate::dialect::openai::chunk::{self, Frame};
use crate::dialect::outlet::Outlet;
use crate::dialect::stream::Piece;
use crate::guard::{Asker, Blocked, Judging, StreamGuard};
use crate::record::{Answer, CallGuard, Failure};
use crate::route::retry::FailureClass;
use crate::settings::GatewaySettings;
use crate::sse;
use crate::upstream::body::{BodyFault, FrameStream};

/// How long the connection is read on after the end of the answer, so that it can be used again.
const LINGER: Duration = Duration::from_millis(250);
/// How much later than the stream itself the watchdog acts: an attended stream ends in its own words.
const WATCHDOG_GRACE: Duration = Duration::from_millis(100);
const TOO_LONG: &str = "the answer took longer than the gateway allows";

/// The body of a streamed answer.
pub(crate) struct Relay {
    stream: Arc<Mutex<Stream>>,
    watchdog: AbortHandle,
}

/// What the body and its watchdog share.
struct Stream {
    /// Frames that go out before any other.
    held: VecDeque<Bytes>,
    /// Nothing once the provider's connection is of no more use.
    frames: Option<FrameStream>,
    /// The call, until its outcome is known.
    call: Option<CallGuard>,
    outlet: Outlet,
    timer: Pin<Box<Sleep>>,
    /// Since when the provider is waited for. A slow caller's time is not the provider's.
    waiting_since: Option<Instant>,
    last_sent_at: Instant,
    idle: Duration,
    keepalive: Duration,
    deadline: Instant,
    phase: Phase,
    breaker: BreakerConfig,
    context: Context,
    /// The answer so far, when it is to be kept.
    tape: Option<Tape>,
    /// Looks at what goes out, when guardrails apply to answers.
    guard: Option<StreamGuard>,
    /// A guardrail's opinion of the whole, being waited for.
    judging: Option<Judging>,
}

/// What the end of a stream needs to know.
pub(crate) struct Context {
    pub(crate) clock: SharedClock,
    pub(crate) prices: Arc<PriceBook>,
    pub(crate) asker: Asker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Relaying,
    /// The answer is complete, and waits for an opinion of it. What comes then.
    Judging(Option<Instant>),
    /// The answer is complete; what is left of the provider's stream is read and dropped.
    Lingering(Instant),
    Ended,
}

impl Relay {
    pub(crate) fn new(
        opened: Opened,
        call: CallGuard,
        (mut outlet, tape): (Outlet, Option<Tape>),
        settings: &GatewaySettings,
        context: Context,
    ) -> Self {
        let timeouts = &settings.timeouts;
        let deadline = opened.deadline;
        let mut held = VecDeque::new();
        for (kind, piece) in opened.held {
            outlet.push(&kind, piece, &mut held);
        }
        let plan = call.guard.as_ref().map(|guard| &guard.plan);
        let guard = plan.and_then(|plan| StreamGuard::new(plan, call.door));
        let mut stream = Stream {
            held,
            frames: Some(opened.frames),
            call: Some(call),
            outlet,
            timer: Box::pin(sleep_until(deadline)),
            waiting_since: None,
            last_sent_at: Instant::now(),
            idle: Duration::from_millis(timeouts.idle_ms),
            keepalive: Duration::from_millis(timeouts.keepalive_ms),
            deadline,
            phase: Phase::Relaying,
            breaker: settings.breaker,
            context,
            tape,
            guard,
            judging: None,
        };
        stream.look();
        let stream = Arc::new(Mutex::new(stream));
        let watchdog = tokio::spawn(watch(Arc::downgrade(&stream), deadline + WATCHDOG_GRACE)).abort_handle();
        Self { stream, watchdog }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.watchdog.abort();
    }
}

async fn watch(stream: Weak<Mutex<Stream>>, deadline: Instant) {
    tokio::time::sleep_until(deadline).await;
    if let Some(stream) = stream.upgrade() {
        let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
        if stream.phase == Phase::Relaying {
            stream.break_off(FailureClass::Timeout, TOO_LONG);
        }
    }
}

impl Stream {
    /// What to send next; nothing when the stream is over.
    fn poll_next(&mut self, context: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(out) = self.held.pop_front() {
                self.record(&out);
                return Poll::Ready(Some(out));
            }
            let Some(frames) = &mut self.frames else {
                return Poll::Ready(None);
            };
            match self.phase {
                Phase::Ended => self.frames = None,
                Phase::Judging(linger) => std::task::ready!(self.poll_judging(context, linger)),
                Phase::Lingering(until) => {
                    std::task::ready!(self.poll_linger(context, until));
                    self.phase = Phase::Ended;
                }
                Phase::Relaying => match frames.poll_next(context) {
                    Poll::Ready(Ok(Some(piece))) => {
                        self.waiting_since = None;
                        self.take_piece(piece);
                    }
                    Poll::Ready(Ok(None)) => self.close(&BodyFault::Cut(None)),
                    Poll::Ready(Err(fault)) => self.close(&fault),
                    Poll::Pending => std::task::ready!(self.poll_timer(context)),
                },
            }
        }
    }

    /// Goes on with the recording, and keeps it when this was the last of a complete answer.
    fn record(&mut self, out: &Bytes) {
        let Some(tape) = &mut self.tape else { return };
        if !tape.record(out) {
            self.tape = None;
        } else if self.held.is_empty()
            && matches!(self.phase, Phase::Lingering(_) | Phase::Ended)
            && let Some(tape) = self.tape.take()
        {
            tape.keep();
        }
    }

    /// Decides what a piece means, and hands on what the caller gets of it.
    fn take_piece(&mut self, piece: Piece) {
        let Some(reply) = self.call.as_mut().and_then(|call| call.reply()) else {
            return;
        };
        let kind = piece
            .pivot
            .as_ref()
            .map_or(Frame::Comment, |pivot| chunk::inspect(pivot, reply));
        match kind {
            Frame::Comment | Frame::Startup | Frame::Content | Frame::Usage => {
                self.outlet.push(&kind, piece, &mut self.held);
                self.look();
            }
            Frame::Done => {
                self.outlet.done(Some(piece), &mut self.held);
                self.end(Some(Instant::now() + LINGER));
            }
            Frame::Error(error) => {
                if self.flush() {
                    return;
                }
                let words = self.outlet.failed(piece, &error.message, &error.code);
                self.held.push_back(words);
                self.fail(error.class, error.message);
            }
            // A frame that the end of the stream cut in two.
            Frame::Malformed if self.frames.as_ref().is_some_and(FrameStream::is_over) => {
                self.close(&BodyFault::Cut(None));
            }
            Frame::Malformed => {
                self.break_off(FailureClass::Malformed, "the provider's stream is not valid JSON");
            }
        }
    }

    /// The provider's stream is over without its end mark: fine when the answer was complete.
    fn close(&mut self, fault: &BodyFault) {
        let complete = self
            .call
            .as_mut()
            .and_then(|call| call.reply())
            .is_some_and(|reply| reply.is_complete());
        if complete && matches!(fault, BodyFault::Cut(_)) {
            self.outlet.done(None, &mut self.held);
            self.end(None);
            return;
        }
        self.break_off(fault.class(), &fault.to_string());
    }

    /// Waits for the provider no longer than it may take, and keeps the caller's connection awake meanwhile.
    fn poll_timer(&mut self, context: &mut TaskContext<'_>) -> Poll<()> {
        loop {
            let idle_at = *self.waiting_since.get_or_insert_with(Instant::now) + self.idle;
            let keepalive_at = self.last_sent_at + self.keepalive;
            self.timer
                .as_mut()
                .reset(idle_at.min(keepalive_at).min(self.deadline));
            std::task::ready!(self.timer.as_mut().poll(context));
            let now = Instant::now();
            if now >= self.deadline {
                self.break_off(FailureClass::Timeout, TOO_LONG);
                return Poll::Ready(());
            }
            if now >= idle_at {
                self.close(&BodyFault::Idle);
                return Poll::Ready(());
            }
            if now >= keepalive_at {
                self.held.push_back(Bytes::from_static(sse::KEEPALIVE));
                return Poll::Ready(());
            }
        }
    }

    fn poll_linger(&mut self, context: &mut TaskContext<'_>, until: Instant) -> Poll<()> {
        let Some(frames) = &mut self.frames else {
            return Poll::Ready(());
        };
        while let Poll::Ready(frame) = frames.poll_next(context) {
            if !matches!(frame, Ok(Some(_))) || Instant::now() >= until {
                return Poll::Ready(());
            }
        }
        self.timer.as_mut().reset(until);
        self.timer.as_mut().poll(context)
    }

    /// Lets guardrails look at what is to go out.
    fn look(&mut self) {
        let Some(guard) = &mut self.guard else { return };
        let looked = guard.pass(&mut self.held);
        if let Some(call) = &mut self.call {
            self.context.asker.tell_found(call, guard);
        }
        if let Err(blocked) = looked {
            self.block(&blocked);
        }
    }

    /// The answer is complete, unless a guardrail wants to judge it as a whole.
    fn end(&mut self, linger: Option<Instant>) {
        let Some(guard) = &mut self.guard else {
            return self.complete(linger.map_or(Phase::Ended, Phase::Lingering));
        };
        let looked = guard.finish(&mut self.held);
        if let Some(call) = &mut self.call {
            self.context.asker.tell_found(call, guard);
        }
        match looked {
            Err(blocked) => self.block(&blocked),
            Ok(()) if guard.waits_for_verdict() => {
                if let Some(call) = self.call.take() {
                    self.judging = Some(self.context.asker.judge_stream(call, guard));
                    self.phase = Phase::Judging(linger);
                }
            }
            Ok(()) => self.complete(linger.map_or(Phase::Ended, Phase::Lingering)),
        }
    }

    /// Lets out what guardrails still hold of an answer that broke off. Returns whether they refuse it.
    fn flush(&mut self) -> bool {
        let Some(guard) = &mut self.guard else {
            return false;
        };
        let looked = guard.finish(&mut self.held);
        if let Some(call) = &mut self.call {
            self.context.asker.tell_found(call, guard);
        }
        if let Err(blocked) = &looked {
            self.block(blocked);
        }
        looked.is_err()
    }

    fn poll_judging(&mut self, context: &mut TaskContext<'_>, linger: Option<Instant>) -> Poll<()> {
        let Some(judging) = &mut self.judging else {
            self.phase = Phase::Ended;
            return Poll::Ready(());
        };
        let (call, judged) = std::task::ready!(judging.as_mut().poll(context));
        self.judging = None;
        self.call = Some(call);
        let guard = self.guard.as_mut();
        match guard.map_or(Ok(()), |guard| {
            judged.and_then(|texts| guard.let_go(texts, &mut self.held))
        }) {
            Ok(()) => self.complete(linger.map_or(Phase::Ended, Phase::Lingering)),
            Err(blocked) => self.block(&blocked),
        }
        Poll::Ready(())
    }

    /// A guardrail refuses the answer: the provider is let go, and the caller told in its own format.
    fn block(&mut self, blocked: &Blocked) {
        self.phase = Phase::Ended;
        self.frames = None;
        self.tape = None;
        self.guard = None;
        self.held
            .push_back(self.outlet.break_off(&blocked.to_string(), Blocked::CODE));
        if let Some(mut call) = self.call.take() {
            call.end_attempt(None, "blocked");
            call.finish(200, Some(blocked.record()));
        }
    }

    fn complete(&mut self, phase: Phase) {
        self.phase = phase;
        if let Some(mut call) = self.call.take() {
            if let Some(tape) = &mut self.tape
                && let Some(origin) = origin(&call, &self.context)
            {
                tape.complete(origin);
            }
            call.end_attempt(None, "answered");
            call.finish(200, None);
        }
    }

    fn fail(&mut self, class: FailureClass, message: String) {
        self.phase = Phase::Ended;
        self.frames = None;
        self.tape = None;
        let Some(mut call) = self.call.take() else {
            return;
        };
        if let Some(attempt) = call.attempt().filter(|_| class.blames_provider()) {
            let now = self.context.clock.now();
            attempt.provider.health.failed(now);
            attempt
                .load
                .failed(class, None, &self.breaker, now.timestamp_millis());
        }
        let failure = Failure {
            kind: class.as_str(),
            message,
        };
        call.end_attempt(Some(failure.clone()), "broken_off");
        call.finish(200, Some(failure));
    }

    /// Tells the caller that no more will come, and why. The end mark is deliberately not sent.
    fn break_off(&mut self, class: FailureClass, message: &str) {
        if self.flush() {
            return;
        }
        self.held
            .push_back(self.outlet.break_off(message, class.as_str()));
        self.fail(class, message.to_owned());
    }
}

/// Where a complete streamed answer came from.
fn origin(call: &CallGuard, context: &Context) -> Option<Origin> {
    let attempt = call.attempts.last()?;
    let Answer::Streamed(reply) = &attempt.answer else {
        return None;
    };
    let now = context.clock.now();
    let mode = Mode::of_service_tier(reply.service_tier.as_deref().unwrap_or_default().as_bytes());
    let cost = reply.usage.as_ref().and_then(|usage| {
        let now_ns = now.timestamp_nanos_opt()?;
        cost::of_answer(
            &context.prices,
            attempt,
            reply.model.as_deref(),
            usage,
            mode,
            now_ns,
        )
    });
    let brought = Brought {
        content_type: "text/event-stream; charset=utf-8",
        model: reply.model.clone(),
        usage: reply.usage,
        cost,
        output_messages: call.hidden(reply.output_messages().filter(|_| call.capture.content)),
    };
    Some(brought.by(attempt, now.timestamp_millis()))
}

impl http_body::Body for Relay {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Infallible>>> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let next = std::task::ready!(stream.poll_next(context));
        if next.is_some() {
            stream.last_sent_at = Instant::now();
        }
        Poll::Ready(next.map(|bytes| Ok(BodyFrame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.phase == Phase::Ended && stream.held.is_empty()
    }
}
