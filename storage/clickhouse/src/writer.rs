//! Inserts. One record batch is one block, and its token makes it exactly once.

use std::time::Duration;

use async_trait::async_trait;
use brokle_storage::telemetry::{Insert, InsertError, TelemetryWriter};
use bytes::Bytes;

use crate::{ClickHouse, ClickHouseError, arrow_stream};

/// Bytes handed to the connection at once, so that a large body flows rather than lumps.
const CHUNK_BYTES: usize = 256 * 1024;
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Covers the materialized views and, on a cluster, the quorum.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);
/// Above any batch that we send: a token names one block, so an insert must stay one.
const BLOCK_ROWS_MAX: &str = "4194304";

#[async_trait]
impl TelemetryWriter for ClickHouse {
    async fn insert(&self, insert: Insert) -> Result<(), InsertError> {
        let Insert { table, token, rows } = insert;
        let body = tokio::task::spawn_blocking(move || arrow_stream::encode(&rows))
            .await
            .map_err(|error| InsertError::Unavailable {
                message: format!("encoding was stopped: {error}"),
            })?
            .map_err(|error| InsertError::Rejected {
                table,
                code: 0,
                message: error.to_string(),
            })?;
        self.send(table, &token, body)
            .await
            .map_err(|error| ClickHouseError::from(error).into_insert_error(table))
    }
}

impl ClickHouse {
    async fn send(&self, table: &str, token: &str, mut body: Bytes) -> Result<(), clickhouse::error::Error> {
        let mut request = self
            .in_database()
            .insert_formatted_with(format!("INSERT INTO {table} FORMAT ArrowStream"))
            .with_timeouts(Some(SEND_TIMEOUT), Some(ANSWER_TIMEOUT))
            .with_setting("async_insert", "0")
            // On a cluster: answered when the shards have the rows, each under the same token.
            .with_setting("distributed_foreground_insert", "1")
            .with_setting("insert_deduplicate", "1")
            .with_setting("insert_deduplication_token", token)
            .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
            .with_setting("max_insert_block_size", BLOCK_ROWS_MAX)
            .with_setting("min_insert_block_size_rows", BLOCK_ROWS_MAX)
            .with_setting("min_insert_block_size_bytes", "0")
            // Rows that replace one another within an insert are left to merges, as those of two inserts are:
            // looking for them here moves every row once more, which took three quarters of an insert.
            .with_setting("optimize_on_insert", "0");
        while !body.is_empty() {
            let chunk = body.split_to(body.len().min(CHUNK_BYTES));
            request.send(chunk).await?;
        }
        request.end().await
    }
}
