//! What the log hands to the decoder and what the decoder hands back.
//!
//! The contract that keeps inserts exact: [`encode_range`](crate::arrow::encode_range) is a pure function of the records
//! it is given. The same records give the same tables, the same partitions and the same rows, in the same
//! order, today and after a crash; nothing else (no clock, no random number, no cache) may play a part.

use arrow_array::RecordBatch;
use brokle_model::id::ProjectId;
use brokle_model::telemetry::{CallDays, Signal};
use chrono::{DateTime, Utc};

/// One accepted request, as the log holds it.
#[derive(Debug, Clone, Copy)]
pub struct RangeRecord<'a> {
    /// The tenant.
    pub project: ProjectId,
    /// The caller's environment tag, empty when it sent none.
    pub environment: &'a str,
    /// What the body carries.
    pub signal: Signal,
    /// When the request was accepted: the only "now" that decoding may use.
    pub received_at: DateTime<Utc>,
    /// How many days its rows are kept.
    pub retention_days: u16,
    /// Days of a call's rows, if the gateway recorded it; of nothing that came from outside.
    pub calls: Option<CallDays>,
    /// The OTLP protobuf message, uncompressed, already validated.
    pub body: &'a [u8],
}

/// Rows of one partition of one table.
#[derive(Debug, Clone)]
pub struct TableBatch {
    /// Table name, unqualified.
    pub table: &'static str,
    /// The partition that all rows belong to, for example `202611`. Part of the insert's token.
    pub partition: String,
    /// The rows.
    pub rows: RecordBatch,
}
