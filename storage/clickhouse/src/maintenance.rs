//! Statements that change stored rows, and the question which projects need any.

use std::time::Duration;

use async_trait::async_trait;
use brokle_model::id::ProjectId;
use brokle_storage::maintenance::{ProjectsQuery, TelemetryMaintenance};
use brokle_storage::telemetry::{QueryError, QueryLimits, SqlQuery};

use crate::{ClickHouse, ClickHouseError};

/// How much longer than the statement's own limit its answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Nobody waits for upkeep: it leaves the cores to those who ask, and goes to disk before it takes the memory.
const SPILL_BYTES: &str = "268435456";
/// Smaller pieces may fit, where the same again will not.
const MEMORY_LIMIT_EXCEEDED: i32 = 241;

#[async_trait]
impl TelemetryMaintenance for ClickHouse {
    async fn maintain(&self, statement: SqlQuery) -> Result<(), QueryError> {
        let mut request = self
            .in_database()
            .query_raw(&statement.text)
            .with_setting("param_project_id", statement.project.to_string())
            .with_setting("async_insert", "0")
            // Two runs may write equal blocks, and both must count.
            .with_setting("insert_deduplicate", "0")
            .with_setting("distributed_foreground_insert", "1")
            .with_setting("lightweight_deletes_sync", "2")
            .with_setting("max_threads", "1")
            .with_setting("max_bytes_before_external_sort", SPILL_BYTES)
            .with_setting("max_bytes_before_external_group_by", SPILL_BYTES);
        for (name, value) in limits(statement.limits) {
            request = request.with_setting(name, value);
        }
        for (name, value) in &statement.params {
            request = request.with_setting(format!("param_{name}"), value);
        }
        let done = self.bounded(statement.limits.timeout + ANSWER_TIMEOUT, request.execute());
        done.await.map_err(|error| match error.code() {
            Some(MEMORY_LIMIT_EXCEEDED) => QueryError::TooExpensive,
            _ => error.into_query_error(),
        })
    }

    async fn projects_of(&self, query: ProjectsQuery) -> Result<Vec<ProjectId>, QueryError> {
        let read = async {
            let mut request = self.in_database().query_raw(&query.text);
            for (name, value) in limits(query.limits) {
                request = request.with_setting(name, value);
            }
            for (name, value) in &query.params {
                request = request.with_setting(format!("param_{name}"), value);
            }
            request
                .with_setting("max_result_rows", query.limits.result_rows_max.to_string())
                .with_setting("result_overflow_mode", "throw")
                .fetch_bytes("TabSeparated")?
                .collect()
                .await
        };
        let bytes = self.bounded(query.limits.timeout + ANSWER_TIMEOUT, read).await;
        let bytes = bytes.map_err(ClickHouseError::into_query_error)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.lines().filter_map(|line| line.trim().parse().ok()).collect())
    }
}

fn limits(limits: QueryLimits) -> [(&'static str, String); 3] {
    [
        ("max_rows_to_read", limits.rows_to_read_max.to_string()),
        ("read_overflow_mode", "throw".to_owned()),
        ("max_execution_time", limits.timeout.as_secs_f64().to_string()),
    ]
}
