//! Sends the sample: a day of history, once, and then a trace every few seconds. One request at a time, so
//! that there is nothing to bound; what cannot be sent is tried again a few times and then left out.

use std::time::{Duration, Instant};

use brokle_model::clock::SharedClock;
use brokle_model::error::{Classify, ErrorKind};
use http::{Method, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::client::{Client, ClientError};
use crate::sample::{self, Call, DatedTrace, Sample};
use crate::state::{History, StateError, StateFile};

/// Traces of the history.
const TRACES: usize = 150;
const TRACES_PER_REQUEST: usize = 10;
/// The history's seed: the same stories for everybody.
const SEED: u64 = 2_026;
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);

/// Why data was not sent.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The server did not answer.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The server refuses the data.
    #[error("the server answered {status} to sample data")]
    Refused {
        /// The answer's status.
        status: StatusCode,
    },
    /// It cannot be noted how far we are.
    #[error("{0}")]
    State(#[from] StateError),
}

impl Classify for FeedError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Client(error) => error.kind(),
            Self::State(error) => error.kind(),
            Self::Refused { .. } => ErrorKind::Upstream,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Client(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Refused { .. } => "demo_data_refused",
        }
    }
}

impl FeedError {
    /// Whether the same may succeed in a moment.
    fn may_pass(&self) -> bool {
        match self {
            Self::Client(_) => true,
            Self::Refused { status } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::State(_) => false,
        }
    }
}

/// Sends to one project.
pub struct Feed {
    client: Client,
    key: String,
    clock: SharedClock,
    stop: CancellationToken,
}

impl Feed {
    /// A feed that goes on until `stop`.
    pub fn new(client: Client, key: String, clock: SharedClock, stop: CancellationToken) -> Self {
        Self {
            client,
            key,
            clock,
            stop,
        }
    }

    /// Sends what is left of the history. Gives how many traces that was.
    pub async fn send_history(&self, file: &mut StateFile) -> Result<usize, FeedError> {
        let begun = file.state.history.unwrap_or_else(|| History {
            until: self.clock.now(),
            seed: SEED,
            requests_sent: 0,
            complete: false,
        });
        if begun.complete {
            return Ok(0);
        }
        file.state.history = Some(begun);
        file.save()?;
        let traces = Sample::new(begun.seed).history(begun.until, TRACES).into_iter();
        let mut traces = traces.skip(begun.requests_sent * TRACES_PER_REQUEST);
        let mut history = begun;
        let mut sent = 0;
        while !self.stop.is_cancelled() {
            let batch: Vec<DatedTrace> = traces.by_ref().take(TRACES_PER_REQUEST).collect();
            history.complete = batch.is_empty();
            if !history.complete {
                sent += batch.len();
                self.send_traces(batch).await?;
                history.requests_sent += 1;
            }
            file.state.history = Some(history);
            file.save()?;
            if history.complete {
                break;
            }
        }
        Ok(sent)
    }

    /// Makes one gateway call of every sort.
    pub async fn open_with_calls(&self) {
        for call in self.live_sample().opening_calls() {
            let made = self.stop.run_until_cancelled(self.make(call)).await;
            match made {
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::warn!("a sample call was not made: {error}"),
                None => return,
            }
        }
    }

    /// A trace or a call every few seconds, until told to stop.
    pub async fn run(&self) {
        let mut sample = self.live_sample();
        let work = async {
            loop {
                tokio::time::sleep(sample.next_pause()).await;
                if let Err(error) = self.send_next(&mut sample).await {
                    tracing::warn!("a piece of sample data was not sent: {error}");
                }
            }
        };
        let _: Option<()> = self.stop.run_until_cancelled(work).await;
    }

    /// Other data at every start: the same would not be new.
    fn live_sample(&self) -> Sample {
        Sample::new(self.clock.now().timestamp_micros().unsigned_abs())
    }

    async fn send_next(&self, sample: &mut Sample) -> Result<(), FeedError> {
        if sample.is_call_next() {
            match sample.next_call() {
                Some(call) => self.make(call).await,
                None => Ok(()),
            }
        } else {
            self.send_traces(sample.next_trace(self.clock.now())).await
        }
    }

    async fn send_traces(&self, traces: impl IntoIterator<Item = DatedTrace>) -> Result<(), FeedError> {
        let body = bytes::Bytes::from(sample::request(traces));
        let headers = [
            ("x-api-key", self.key.as_str()),
            ("content-type", "application/x-protobuf"),
        ];
        let mut tries = 0;
        loop {
            let answer = self
                .client
                .send(Method::POST, "/v1/traces", &headers, body.clone())
                .await;
            tries += 1;
            let failure = match answer {
                Ok(answer) if answer.status == StatusCode::OK => return Ok(()),
                Ok(answer) => FeedError::Refused {
                    status: answer.status,
                },
                Err(error) => error.into(),
            };
            if tries == TRIES || !failure.may_pass() {
                return Err(failure);
            }
            let pause = tokio::time::sleep(PAUSE * 2_u32.pow(tries));
            if self.stop.run_until_cancelled(pause).await.is_none() {
                return Err(failure);
            }
        }
    }

    /// Calls the gateway, and then sends the caller's own span when it has one. That a call fails is part
    /// of the sample.
    async fn make(&self, call: Call) -> Result<(), FeedError> {
        let authorization = format!("Bearer {}", self.key);
        let traceparent = call.caller.as_ref().map(sample::Caller::traceparent);
        let mut headers = vec![
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
            ("user-agent", "kestrel-web-chat/3.0.4"),
            ("x-environment", call.environment),
            ("x-user-id", &call.user),
            ("x-session-id", &call.session),
        ];
        headers.extend(traceparent.as_deref().map(|value| ("traceparent", value)));
        let started = Instant::now();
        let body = call.body.to_string();
        self.client
            .send(Method::POST, "/v1/chat/completions", &headers, body)
            .await?;
        let Some(caller) = call.caller else {
            return Ok(());
        };
        let trace = DatedTrace::of_caller(caller, started.elapsed(), self.clock.now());
        self.send_traces([trace]).await
    }
}

#[cfg(test)]
mod tests;
