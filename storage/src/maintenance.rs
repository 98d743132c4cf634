//! Statements that change what is stored, one project's at a time: roll-ups computed from rows, lightweight
//! updates, deletions. New telemetry does not come this way: that is what
//! [`TelemetryWriter`](crate::telemetry::TelemetryWriter) is for, whose inserts are exactly-once.
//!
//! Deliberately absent: anything without a tenant and a time limit. The one question that is asked across
//! tenants is which of them have something to do, and its answer is their ids alone.

use async_trait::async_trait;
use brokle_model::id::ProjectId;

use crate::telemetry::{QueryError, QueryLimits, SqlQuery};

/// Keeps stored telemetry in order.
#[async_trait]
pub trait TelemetryMaintenance: Send + Sync + 'static {
    /// Runs one statement (`INSERT INTO ... SELECT`, `UPDATE`, `DELETE FROM`) of one project and returns when
    /// its effect is stored and visible. It must be one that does no harm when it runs twice: an answer can
    /// get lost. `result_rows_max` of the limits has no meaning here.
    async fn maintain(&self, statement: SqlQuery) -> Result<(), QueryError>;

    /// The projects for which there is something to do.
    async fn projects_of(&self, query: ProjectsQuery) -> Result<Vec<ProjectId>, QueryError>;
}

/// A query whose only column, `project_id`, names projects. Rows that name none are left out.
#[derive(Debug, Clone)]
pub struct ProjectsQuery {
    /// ClickHouse SQL with `{name:Type}` placeholders.
    pub text: String,
    /// The parameters, in ClickHouse's text form.
    pub params: Vec<(String, String)>,
    /// What it may cost.
    pub limits: QueryLimits,
}
