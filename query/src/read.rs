//! The reads themselves: plan, SQL, storage, shape. The only place where they meet, and free of HTTP.

mod analytics;
mod calls;
mod charts;
mod error;
mod events;
mod list;
mod log_records;
mod metrics;
mod observations;
mod scores;
mod trace;

use std::sync::Arc;

use arrow_array::RecordBatch;
use brokle_model::clock::SharedClock;
use brokle_storage::telemetry::{SqlQuery, TelemetryReader};

pub(crate) use error::ReadError;
pub(crate) use log_records::LogPage;
pub(crate) use observations::ObservationPage;

/// Reads one project's telemetry at a time.
#[derive(Clone)]
pub(crate) struct Reads {
    reader: Arc<dyn TelemetryReader>,
    clock: SharedClock,
}

/// A page, and where the next one begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<crate::plan::Cursor>,
}

impl Reads {
    pub(crate) fn new(reader: Arc<dyn TelemetryReader>, clock: SharedClock) -> Self {
        Self { reader, clock }
    }

    pub(crate) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }

    async fn run(&self, query: SqlQuery) -> Result<Vec<RecordBatch>, ReadError> {
        let output = self.reader.query(query).await?;
        tracing::debug!(rows_read = output.rows_read, "read telemetry");
        Ok(output.batches)
    }
}
