//! Decoding off the runtime: a bounded number of blocking threads turns ranges into Arrow. A decoder that
//! fails or panics condemns only the request at fault: the range is halved until that one is found.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::arrow::{EncodeContext, EncodeError, encode_range};
use crate::changes;
use crate::pipeline::batch::{RangeRecord, TableBatch};
use crate::wal::range::LoggedRequest;

/// Turns records into rows. Must be a pure function of the records; see [`crate::pipeline::batch`].
pub trait RangeEncoder: Send + Sync + 'static {
    /// One batch per table and partition.
    fn encode(&self, records: &[RangeRecord<'_>]) -> Result<Vec<TableBatch>, EncodeError>;
}

impl RangeEncoder for EncodeContext {
    fn encode(&self, records: &[RangeRecord<'_>]) -> Result<Vec<TableBatch>, EncodeError> {
        let mut batches = encode_range(records, self)?;
        batches.extend(changes::table::batches(records)?);
        batches.extend(changes::evaluation::batches(records)?);
        Ok(batches)
    }
}

/// Why a range gave no rows: its content is at fault, or our decoder is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("decoding failed: {0}")]
    Encode(#[from] EncodeError),
    #[error("decoding ended in a panic")]
    Panicked,
}

/// A bounded pool.
pub(crate) struct Decoder {
    encoder: Arc<dyn RangeEncoder>,
    permits: Semaphore,
}

impl Decoder {
    pub(crate) fn new(encoder: Arc<dyn RangeEncoder>, decoders_max: usize) -> Self {
        Self {
            encoder,
            permits: Semaphore::new(decoders_max),
        }
    }

    /// Decodes `requests`; waits for a free place.
    pub(crate) async fn decode(
        &self,
        requests: Arc<[LoggedRequest]>,
    ) -> Result<Vec<TableBatch>, DecodeError> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let encoder = Arc::clone(&self.encoder);
        let decoded = tokio::task::spawn_blocking(move || {
            let records: Vec<RangeRecord<'_>> = requests.iter().map(LoggedRequest::as_record).collect();
            encoder.encode(&records)
        });
        match decoded.await {
            Ok(batches) => Ok(batches?),
            Err(_) => Err(DecodeError::Panicked),
        }
    }
}
