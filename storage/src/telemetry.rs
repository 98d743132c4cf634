//! Telemetry storage: Arrow record batches in, bounded SQL out, Arrow back.
//!
//! The SQL dialect is ClickHouse's in both modes (an embedded engine or a server), so a query is text with
//! named parameters rather than an abstraction over it. No values are ever formatted into the text.

use std::time::Duration;

use arrow_array::RecordBatch;
use async_trait::async_trait;

use brokle_model::id::ProjectId;

/// One insert: exactly once for a given `token`, however often it is sent.
#[derive(Debug, Clone)]
pub struct Insert {
    /// Table name, unqualified.
    pub table: &'static str,
    /// The `insert_deduplication_token`: the same token means the same rows, today and after a crash.
    pub token: String,
    /// The rows, all of one partition of the table.
    pub rows: RecordBatch,
}

/// Why an insert did not happen.
#[derive(Debug, thiserror::Error)]
pub enum InsertError {
    /// Storage is away, overloaded or out of space: send the same insert again, later.
    #[error("telemetry storage is unavailable: {message}")]
    Unavailable {
        /// What it said.
        message: String,
    },
    /// Storage refuses this content and will refuse it again.
    #[error("telemetry storage refused rows for `{table}`: {message} (code {code})")]
    Rejected {
        /// Where the rows were to go.
        table: &'static str,
        /// ClickHouse's exception code.
        code: i32,
        /// What it said.
        message: String,
    },
}

/// Writes telemetry.
#[async_trait]
pub trait TelemetryWriter: Send + Sync + 'static {
    /// Inserts rows, or says whether trying again can help. Returns when they are stored and visible.
    async fn insert(&self, insert: Insert) -> Result<(), InsertError>;
}

/// A parameterised, bounded query of one tenant's data.
#[derive(Debug, Clone)]
pub struct SqlQuery {
    /// ClickHouse SQL with `{name:Type}` placeholders. Always contains `{project_id:String}`.
    pub text: String,
    /// Whose data: bound as `project_id`.
    pub project: ProjectId,
    /// The other parameters, in ClickHouse's text form (an array is `['a','b']`, escaped by
    /// [`SqlQuery::bind`] and [`SqlQuery::bind_array`]).
    pub params: Vec<(String, String)>,
    /// What the query may cost.
    pub limits: QueryLimits,
}

/// What one query may cost before ClickHouse stops it.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    /// Rows read from storage.
    pub rows_to_read_max: u64,
    /// Rows returned.
    pub result_rows_max: u64,
    /// Wall time.
    pub timeout: Duration,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            rows_to_read_max: 100_000_000,
            result_rows_max: 100_000,
            timeout: Duration::from_secs(15),
        }
    }
}

impl SqlQuery {
    /// Starts a query for `project` with the default limits.
    pub fn new(project: ProjectId, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            project,
            params: Vec::new(),
            limits: QueryLimits::default(),
        }
    }

    /// Binds a scalar parameter. The value travels outside the text; ClickHouse parses it by the
    /// placeholder's type, in its escaped (TSV) form.
    #[must_use]
    pub fn bind(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.params.push((name.to_owned(), escape_tsv(value.as_ref())));
        self
    }

    /// Binds an `Array(String)` parameter.
    #[must_use]
    pub fn bind_array<I, S>(mut self, name: &str, values: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let items: Vec<String> = values.into_iter().map(|value| quote(value.as_ref())).collect();
        self.params
            .push((name.to_owned(), format!("[{}]", items.join(","))));
        self
    }
}

fn escape_tsv(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Why a query gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Storage is away or overloaded.
    #[error("telemetry storage is unavailable: {message}")]
    Unavailable {
        /// What it said.
        message: String,
    },
    /// The query met one of its [`QueryLimits`]: narrow the time range or the filter.
    #[error("the query would read more than its limit; narrow the time range or the filter")]
    TooExpensive,
    /// The query is wrong: our defect.
    #[error("telemetry storage refused a query: {message} (code {code})")]
    Rejected {
        /// ClickHouse's exception code.
        code: i32,
        /// What it said.
        message: String,
    },
}

/// Reads telemetry.
#[async_trait]
pub trait TelemetryReader: Send + Sync + 'static {
    /// Runs a query and returns all of its (bounded) result.
    async fn query(&self, query: SqlQuery) -> Result<QueryOutput, QueryError>;
}

/// A query's result and what it cost.
#[derive(Debug, Clone, Default)]
pub struct QueryOutput {
    /// The rows. Empty when there are none.
    pub batches: Vec<RecordBatch>,
    /// Rows that ClickHouse read to answer, for the read budgets.
    pub rows_read: u64,
    /// Bytes of them, before compression.
    pub bytes_read: u64,
}
