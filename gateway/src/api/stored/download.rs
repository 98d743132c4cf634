//! A file's content on its way to the caller, piece by piece as the caller takes it. A provider that falls silent, or
//! breaks off, breaks the caller's connection too: a file that is cut must not look whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use crate::record::{CallGuard, Failure};

/// The body of the caller's answer.
pub(super) struct Download {
    body: Incoming,
    /// The call, until its outcome is known. Dropped with the body when the caller hangs up.
    call: Option<CallGuard>,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Download {
    pub(super) fn new(body: Incoming, call: CallGuard, idle: Duration) -> Self {
        Self {
            body,
            call: Some(call),
            idle,
            timer: Box::pin(tokio::time::sleep(idle)),
        }
    }

    fn end(&mut self, failure: Option<Failure>) {
        if let Some(mut call) = self.call.take() {
            let decision = if failure.is_some() {
                "broken_off"
            } else {
                "answered"
            };
            call.end_attempt(failure.clone(), decision);
            call.finish(200, failure);
        }
    }

    fn fail(&mut self, kind: &'static str, message: &str) -> io::Error {
        self.end(Some(Failure {
            kind,
            message: message.to_owned(),
        }));
        io::Error::other(message.to_owned())
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let until = Instant::now() + self.idle;
                self.timer.as_mut().reset(until);
                if self.body.is_end_stream() {
                    self.end(None);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.end(None);
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(_))) => {
                let error = self.fail(
                    "provider_error",
                    "the provider broke off in the middle of the file",
                );
                Poll::Ready(Some(Err(error)))
            }
            Poll::Pending => {
                std::task::ready!(self.timer.as_mut().poll(context));
                let error = self.fail("timeout", "the provider sent nothing for too long");
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
