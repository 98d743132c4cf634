//! One request of the SDK routes, from its head to its changes in the log. Limits, keys, memory and the log are the
//! receiver's: what is told here is only how a JSON body becomes one record.

use std::cell::Cell;
use std::sync::Arc;

use ::http::HeaderMap;
use axum::body::Body;
use axum::extract::Request;
use brokle_http::{ApiError, ApiResult};
use brokle_model::error::ErrorKind;
use brokle_model::telemetry::{Signal, Submission};
use bytes::Bytes;
use serde_json::Value;

use super::context::Context;
use super::entities::Made;
use super::invalid::{Invalid, refusal};
use crate::changes::Change;
use crate::changes::change::encode;
use crate::process::Plan;
use crate::receiver::Receiver;
use crate::receiver::body::Announced;
use crate::receiver::http::media::{Media, content_encoding};
use crate::receiver::intake::{Admission, Encoding, Held};
use crate::receiver::metrics::Transport;
use crate::receiver::refusal::Refusal;
use crate::wal::Reservation;

/// A parsed document takes about this many times the memory of its text.
const PARSED_FACTOR: u64 = 4;
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;

/// A request that has been let in and read.
pub(crate) struct Prepared {
    receiver: Arc<Receiver>,
    admission: Admission,
    idempotency_key: Option<String>,
    now_ns: i64,
    plan: Plan,
    reservation: Reservation,
    /// What it says.
    pub(crate) body: Value,
}

impl Prepared {
    /// Lets a request in and reads its body.
    pub(crate) async fn read(receiver: &Arc<Receiver>, request: Request) -> ApiResult<Self> {
        let (parts, mut body) = request.into_parts();
        let admission = admit(receiver, &parts.headers).await?;
        let held = held(receiver, &parts.headers, &mut body)
            .await
            .map_err(|error| refusal(&error))?;
        Self::parse(receiver, admission, &parts.headers, held)
    }

    /// Lets a request in that has nothing to say but its path.
    pub(crate) async fn without_body(receiver: &Arc<Receiver>, headers: &HeaderMap) -> ApiResult<Self> {
        let admission = admit(receiver, headers).await?;
        let reservation = receiver
            .memory()
            .reserve(0)
            .map_err(|_| refusal(&Refusal::Overloaded))?;
        let held = Held {
            body: Bytes::from_static(b"{}"),
            reservation,
        };
        Self::parse(receiver, admission, headers, held)
    }

    /// Takes over a body that was read before it was known what it is.
    pub(crate) fn parse(
        receiver: &Arc<Receiver>,
        admission: Admission,
        headers: &HeaderMap,
        held: Held,
    ) -> ApiResult<Self> {
        let Held {
            body,
            mut reservation,
        } = held;
        let bytes = body.len() as u64;
        reservation
            .resize(bytes + bytes * PARSED_FACTOR)
            .map_err(|_| refusal(&Refusal::Overloaded))?;
        let body = serde_json::from_slice(&body).map_err(|error| {
            ApiError::new(
                ErrorKind::Invalid,
                "json_malformed",
                format!("the body is not valid JSON: {error}"),
            )
        })?;
        let plan = receiver
            .plan(admission.project)
            .map_err(|error| refusal(&error))?;
        Ok(Self {
            receiver: Arc::clone(receiver),
            plan,
            admission,
            idempotency_key: idempotency_key(headers)?,
            now_ns: receiver.now_ns(),
            reservation,
            body,
        })
    }

    /// Makes changes of the body.
    pub(crate) fn make<T>(&self, make: impl FnOnce(&Context<'_>, &Value) -> T) -> T {
        let context = Context {
            project: self.admission.project,
            environment: &self.admission.environment,
            now_ns: self.now_ns,
            bounds_ns: self
                .receiver
                .start_bounds_ns(self.plan.retention_days(Signal::Changes)),
            idempotency_key: self.idempotency_key.as_deref(),
            made: Cell::new(0),
        };
        make(&context, &self.body)
    }

    /// Returns when the changes are on disk, all of them or none.
    pub(crate) async fn keep(self, made: Vec<Made>) -> ApiResult<()> {
        let items = u32::try_from(made.len()).unwrap_or(u32::MAX);
        let mut changes: Vec<Change> = made.into_iter().map(|made| made.change).collect();
        for change in &mut changes {
            self.plan.apply_to_fields(&mut change.fields);
        }
        let body = encode(changes).map_err(|error| {
            tracing::error!(%error, "changes could not be encoded");
            refusal(&Refusal::Internal)
        })?;
        let mut reservation = self.reservation;
        drop(self.body);
        reservation
            .resize(body.len() as u64)
            .map_err(|_| refusal(&Refusal::Overloaded))?;
        let submission = Submission {
            project: self.admission.project,
            environment: self.admission.environment.clone(),
            signal: Signal::Changes,
            body: Bytes::from(body),
            items,
            retention_days: self.plan.retention_days(Signal::Changes),
            calls: None,
        };
        self.receiver
            .keep(submission, reservation)
            .await
            .map_err(|error| refusal(&error))
    }
}

async fn admit(receiver: &Receiver, headers: &HeaderMap) -> ApiResult<Admission> {
    receiver.admit(headers).await.map_err(|error| refusal(&error))
}

async fn held(receiver: &Receiver, headers: &HeaderMap, body: &mut Body) -> Result<Held, Refusal> {
    let media = Media::declared(headers);
    if let Media::Known(Encoding::Protobuf) = media {
        return Err(Refusal::ContentType("application/x-protobuf".to_owned()));
    }
    media.supported()?;
    let compression = content_encoding(headers)?;
    let held = receiver
        .read(body, Announced::InHead, receiver.body_bytes_max())
        .await?;
    receiver.inflate(held, compression, Transport::Http).await
}

fn idempotency_key(headers: &HeaderMap) -> ApiResult<Option<String>> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > IDEMPOTENCY_KEY_BYTES_MAX {
        let message =
            format!("`Idempotency-Key` must be 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters");
        return Err(Invalid::field("Idempotency-Key", message).into());
    }
    Ok(Some(text.to_owned()))
}
