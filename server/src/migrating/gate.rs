//! Holds inserts back until the tables are what this release expects. ClickHouse may come back while the server runs, and
//! its migrations are then applied beside live traffic: rows that went in between two of them would be missing from the
//! views that the later one makes, or be refused for a column that it adds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use brokle_storage::telemetry::{Insert, InsertError, TelemetryWriter};

/// Open once the tables are up to date. Clones are the same gate.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<AtomicBool>);

impl Gate {
    pub(crate) fn new(is_open: bool) -> Self {
        Self(Arc::new(AtomicBool::new(is_open)))
    }

    pub(crate) fn open(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// `writer`, behind this gate. While it is closed, inserts are to be sent again: their ranges wait in the log.
    pub(crate) fn guard(&self, writer: Arc<dyn TelemetryWriter>) -> Arc<dyn TelemetryWriter> {
        Arc::new(Guarded {
            gate: self.clone(),
            writer,
        })
    }
}

struct Guarded {
    gate: Gate,
    writer: Arc<dyn TelemetryWriter>,
}

#[async_trait]
impl TelemetryWriter for Guarded {
    async fn insert(&self, insert: Insert) -> Result<(), InsertError> {
        if self.gate.0.load(Ordering::Acquire) {
            return self.writer.insert(insert).await;
        }
        Err(InsertError::Unavailable {
            message: "its tables are not up to date yet".to_owned(),
        })
    }
}
