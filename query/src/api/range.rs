//! What most routes are asked first: whose telemetry, and of which time.

use brokle_model::id::ProjectId;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::plan::{PlanError, TimeRange};

/// Whose telemetry, and of which time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RangeParameters {
    /// Whose telemetry.
    #[param(value_type = String)]
    #[expect(dead_code, reason = "read by the extractor that checks the membership")]
    project_id: ProjectId,
    /// The first instant of the range; a day before `to` by default. Figures that are kept by steps or by quarters of
    /// an hour are counted whole at its ends.
    #[param(value_type = Option<DateTime<Utc>>)]
    from: Option<String>,
    /// The first instant after the range; now by default.
    #[param(value_type = Option<DateTime<Utc>>)]
    to: Option<String>,
}

impl RangeParameters {
    /// Whether the caller has said anything of the time.
    pub(super) const fn is_given(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// The range.
    pub(super) fn resolve(&self, now: DateTime<Utc>) -> Result<TimeRange, PlanError> {
        TimeRange::resolve(self.from.as_deref(), self.to.as_deref(), now)
    }

    /// The range, which shows what clients send whose clocks run ahead of ours when it has no end.
    pub(super) fn reaching_ahead(&self, now: DateTime<Utc>) -> Result<TimeRange, PlanError> {
        let range = self.resolve(now)?;
        Ok(if self.to.is_none() {
            range.reaching_ahead()
        } else {
            range
        })
    }
}
