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
use std::task::{Context, Poll};
use std::time::Duration;

use brokle_model::clock::SharedClock;
use bytes::Bytes;
use http_body::Frame as BodyFrame;
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::attempt::Opened;
use crate::config::TimeoutConfig;
use crate::dialect::openai::chunk::{self, Frame};
use crate::dialect::openai::error;
use crate::record::{CallGuard, Failure};
use crate::route::retry::FailureClass;
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
    wants_usage: bool,
    timer: Pin<Box<Sleep>>,
    /// Since when the provider is waited for. A slow caller's time is not the provider's.
    waiting_since: Option<Instant>,
    last_sent_at: Instant,
    idle: Duration,
    keepalive: Duration,
    deadline: Instant,
    phase: Phase,
    clock: SharedClock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Relaying,
    /// The answer is complete; what is left of the provider's stream is read and dropped.
    Lingering(Instant),
    Ended,
}

impl Relay {
    pub(crate) fn new(
        opened: Opened,
        call: CallGuard,
        wants_usage: bool,
        timeouts: &TimeoutConfig,
        clock: SharedClock,
    ) -> Self {
        let deadline = opened.deadline;
        let stream = Arc::new(Mutex::new(Stream {
            held: opened.held.into(),
            frames: Some(opened.frames),
            call: Some(call),
            wants_usage,
            timer: Box::pin(sleep_until(deadline)),
            waiting_since: None,
            last_sent_at: Instant::now(),
            idle: Duration::from_millis(timeouts.idle_ms),
            keepalive: Duration::from_millis(timeouts.keepalive_ms),
            deadline,
            phase: Phase::Relaying,
            clock,
        }));
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
            let last_words = stream.break_off(FailureClass::Timeout, TOO_LONG);
            stream.held.push_back(last_words);
        }
    }
}

impl Stream {
    /// What to send next; nothing when the stream is over.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let Some(frames) = &mut self.frames else {
                return Poll::Ready(None);
            };
            match self.phase {
                Phase::Ended => self.frames = None,
                Phase::Lingering(until) => {
                    std::task::ready!(self.poll_linger(context, until));
                    self.phase = Phase::Ended;
                }
                Phase::Relaying => match frames.poll_next(context) {
                    Poll::Ready(Ok(Some(frame))) => {
                        self.waiting_since = None;
                        if let Some(out) = self.take_frame(frame) {
                            return Poll::Ready(Some(out));
                        }
                    }
                    Poll::Ready(Ok(None)) => return Poll::Ready(Some(self.close(&BodyFault::Cut(None)))),
                    Poll::Ready(Err(fault)) => return Poll::Ready(Some(self.close(&fault))),
                    Poll::Pending => return self.poll_timer(context).map(Some),
                },
            }
        }
    }

    /// Decides what a frame means; gives what the caller gets of it.
    fn take_frame(&mut self, frame: Bytes) -> Option<Bytes> {
        let reply = self.call.as_mut().and_then(|call| call.reply())?;
        match chunk::inspect(&frame, reply) {
            Frame::Usage if !self.wants_usage => None,
            Frame::Comment | Frame::Startup | Frame::Content | Frame::Usage => Some(frame),
            Frame::Done => {
                self.complete(Phase::Lingering(Instant::now() + LINGER));
                Some(frame)
            }
            Frame::Error(error) => {
                self.fail(error.class, error.message);
                Some(frame)
            }
            // A frame that the end of the stream cut in two.
            Frame::Malformed if self.frames.as_ref().is_some_and(FrameStream::is_over) => {
                Some(self.close(&BodyFault::Cut(None)))
            }
            Frame::Malformed => {
                Some(self.break_off(FailureClass::Malformed, "the provider's stream is not valid JSON"))
            }
        }
    }

    /// The provider's stream is over without its end mark: fine when the answer was complete.
    fn close(&mut self, fault: &BodyFault) -> Bytes {
        let complete = self
            .call
            .as_mut()
            .and_then(|call| call.reply())
            .is_some_and(|reply| reply.is_complete());
        if complete && matches!(fault, BodyFault::Cut(_)) {
            self.complete(Phase::Ended);
            return Bytes::from_static(sse::DONE);
        }
        self.break_off(fault.class(), &fault.to_string())
    }

    /// Waits for the provider no longer than it may take, and keeps the caller's connection awake meanwhile.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        loop {
            let idle_at = *self.waiting_since.get_or_insert_with(Instant::now) + self.idle;
            let keepalive_at = self.last_sent_at + self.keepalive;
            self.timer
                .as_mut()
                .reset(idle_at.min(keepalive_at).min(self.deadline));
            std::task::ready!(self.timer.as_mut().poll(context));
            let now = Instant::now();
            if now >= self.deadline {
                return Poll::Ready(self.break_off(FailureClass::Timeout, TOO_LONG));
            }
            if now >= idle_at {
                return Poll::Ready(self.close(&BodyFault::Idle));
            }
            if now >= keepalive_at {
                return Poll::Ready(Bytes::from_static(sse::KEEPALIVE));
            }
        }
    }

    fn poll_linger(&mut self, context: &mut Context<'_>, until: Instant) -> Poll<()> {
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

    fn complete(&mut self, phase: Phase) {
        self.phase = phase;
        if let Some(mut call) = self.call.take() {
            call.end_attempt(None, "answered");
            call.finish(200, None);
        }
    }

    fn fail(&mut self, class: FailureClass, message: String) {
        self.phase = Phase::Ended;
        self.frames = None;
        let Some(mut call) = self.call.take() else {
            return;
        };
        if let Some(attempt) = call.attempt().filter(|_| class.blames_provider()) {
            attempt.provider.health.failed(self.clock.now());
        }
        let failure = Failure {
            kind: class.as_str(),
            message,
        };
        call.end_attempt(Some(failure.clone()), "broken_off");
        call.finish(200, Some(failure));
    }

    /// Tells the caller that no more will come, and why. The end mark is deliberately not sent.
    fn break_off(&mut self, class: FailureClass, message: &str) -> Bytes {
        self.fail(class, message.to_owned());
        Bytes::from(error::frame(message, "server_error", class.as_str()))
    }
}

impl http_body::Body for Relay {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Infallible>>> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match stream.held.pop_front() {
            Some(frame) => Some(frame),
            None => std::task::ready!(stream.poll_next(context)),
        };
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
