//! Bounded, parameterised, single-tenant reads.

use std::time::Duration;

use async_trait::async_trait;
use brokle_storage::telemetry::{QueryError, QueryOutput, SqlQuery, TelemetryReader};

use crate::{ClickHouse, ClickHouseError, arrow_stream};

/// How much longer than the query's own limit the answer may take to arrive.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(5);

#[async_trait]
impl TelemetryReader for ClickHouse {
    async fn query(&self, query: SqlQuery) -> Result<QueryOutput, QueryError> {
        let timeout = query.limits.timeout + TRANSFER_TIMEOUT;
        let (bytes, (rows_read, bytes_read)) = self
            .bounded(timeout, self.fetch_arrow(&query))
            .await
            .map_err(ClickHouseError::into_query_error)?;
        let batches = arrow_stream::decode(bytes).map_err(|error| QueryError::Unavailable {
            message: format!("the answer broke off: {error}"),
        })?;
        Ok(QueryOutput {
            batches,
            rows_read,
            bytes_read,
        })
    }
}

impl ClickHouse {
    async fn fetch_arrow(
        &self,
        query: &SqlQuery,
    ) -> Result<(bytes::Bytes, (u64, u64)), clickhouse::error::Error> {
        let limits = query.limits;
        let mut request = self
            .in_database()
            .query_raw(&query.text)
            .with_setting("param_project_id", query.project.to_string())
            .with_setting("max_rows_to_read", limits.rows_to_read_max.to_string())
            .with_setting("read_overflow_mode", "throw")
            .with_setting("max_result_rows", limits.result_rows_max.to_string())
            .with_setting("result_overflow_mode", "throw")
            .with_setting("max_execution_time", limits.timeout.as_secs_f64().to_string())
            // On a cluster: a trace's rows are all on one shard, so what is asked of traces is asked there.
            .with_setting("distributed_product_mode", "local")
            .with_setting("output_format_arrow_string_as_string", "1")
            .with_setting("output_format_arrow_low_cardinality_as_dictionary", "0")
            .with_setting("cancel_http_readonly_queries_on_client_close", "1")
            .with_setting("wait_end_of_query", "1");
        for (name, value) in &query.params {
            request = request.with_setting(format!("param_{name}"), value);
        }
        let mut cursor = request.fetch_bytes("ArrowStream")?;
        let bytes = cursor.collect().await?;
        let summary = cursor.summary();
        let rows_read = summary.and_then(clickhouse::QuerySummary::read_rows);
        let bytes_read = summary.and_then(clickhouse::QuerySummary::read_bytes);
        Ok((bytes, (rows_read.unwrap_or(0), bytes_read.unwrap_or(0))))
    }
}
