//! The receiver's view of the log behind it.

use std::sync::Arc;

use async_trait::async_trait;
use brokle_model::error::Classify;
use brokle_model::telemetry::Submission;

use crate::pipeline::Ingest;
use crate::wal::{MemoryBudget, Reservation};

/// Takes validated bodies for good.
#[async_trait]
pub trait Acceptor: Send + Sync + 'static {
    /// The memory that request bodies may take, from the moment their first byte is read.
    fn memory(&self) -> Arc<MemoryBudget>;

    /// Returns once the body is where an acknowledgement says that it is. `held` is the body's share of
    /// [`Self::memory`]; it is given back when the body leaves memory.
    async fn accept(&self, submission: Submission, held: Reservation) -> Result<(), AcceptError>;
}

#[async_trait]
impl Acceptor for Ingest {
    fn memory(&self) -> Arc<MemoryBudget> {
        Arc::clone(Self::memory(self))
    }

    async fn accept(&self, submission: Submission, held: Reservation) -> Result<(), AcceptError> {
        self.append_reserved(submission, held)
            .await
            .map(drop)
            .map_err(AcceptError::new)
    }
}

/// Why a body was not taken, in whatever terms the log has for it.
pub struct AcceptError(Box<dyn Classify + Send + Sync>);

impl AcceptError {
    /// Wraps the log's own error.
    pub fn new(error: impl Classify + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }

    /// The log's own error.
    pub fn cause(&self) -> &(dyn Classify + Send + Sync) {
        self.0.as_ref()
    }
}

impl std::fmt::Debug for AcceptError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.0, formatter)
    }
}

impl std::fmt::Display for AcceptError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, formatter)
    }
}
