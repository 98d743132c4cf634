//! Counts over time and by value.

use brokle_model::id::ProjectId;
use futures_util::future::try_join_all;

use super::analytics::query;
use super::{ReadError, Reads};
use crate::plan::{Attributes, Histogram as HistogramPlan, QUARTER_MS, TimeRange, Usage as UsagePlan};
use crate::shape::analytics::Steps;
use crate::shape::charts::{self, Attribute, FacetField, Facets, Histogram};
use crate::sql::usage::{self, Measure, UsageQuery};
use crate::sql::{self, FACET_VALUES_MAX, FacetName};

/// What a histogram counts.
const TRACES: &[Measure] = &[Measure::Traces, Measure::TraceErrors];

impl Reads {
    /// Traces over time, every bucket present. From the roll-up where that knows enough; then the buckets at
    /// the ends are counted whole.
    pub(crate) async fn histogram(&self, plan: &HistogramPlan) -> Result<Histogram, ReadError> {
        if plan.interval_ms < QUARTER_MS || !sql::is_about_names(&plan.filter) {
            let batches = self.run(sql::histogram(plan)).await?;
            return Ok(charts::histogram(plan, &batches)?);
        }
        let usage = UsagePlan {
            project: plan.project,
            range: plan.range.widened_to(plan.interval_ms),
            interval_ms: plan.interval_ms,
            only: Vec::new(),
        };
        let stale = self.stale(&usage, &[]).await?;
        let query = UsageQuery {
            filter: Some(&plan.filter).filter(|filter| !filter.terms.is_empty()),
            ..query(&usage, &stale, TRACES)
        };
        let batches = self
            .run(usage::series(&query, plan.interval_ms, None, SERIES_ROWS_MAX))
            .await?;
        Ok(charts::histogram_of_steps(
            &usage,
            &Steps::read(&batches, TRACES)?,
        ))
    }

    /// The frequent values of each field that is offered for filtering, over whole quarters of an hour.
    pub(crate) async fn facets(&self, project: ProjectId, range: TimeRange) -> Result<Facets, ReadError> {
        let plan = UsagePlan::in_quarters(project, range, Vec::new());
        let stale = self.stale(&plan, &[]).await?;
        let query = query(&plan, &stale, &[]);
        let each = sql::FACETS.map(|facet| {
            let query = &query;
            async move {
                let batches = self
                    .run(usage::usage_facet(query, facet, None, FACET_VALUES_MAX))
                    .await?;
                Ok::<_, ReadError>(FacetField {
                    field: facet.field,
                    values: charts::facet_values(&batches)?,
                })
            }
        });
        Ok(Facets {
            fields: try_join_all(each).await?,
        })
    }

    /// The frequent values of one field; only those that contain `text`, if it is given.
    pub(crate) async fn facet(
        &self,
        plan: &UsagePlan,
        field: FacetName,
        text: Option<&str>,
        limit: usize,
    ) -> Result<FacetField, ReadError> {
        let stale = self.stale(plan, &[]).await?;
        let facet = field.facet();
        let query = query(plan, &stale, &[]);
        let batches = self.run(usage::usage_facet(&query, facet, text, limit)).await?;
        Ok(FacetField {
            field: facet.field,
            values: charts::facet_values(&batches)?,
        })
    }

    /// Keys of attributes, or the values of one.
    pub(crate) async fn attributes(&self, plan: &Attributes) -> Result<Vec<Attribute>, ReadError> {
        let quarters = UsagePlan::in_quarters(plan.project, plan.range, Vec::new());
        let stale = self.stale(&quarters, &[]).await?;
        let read = usage::attributes(plan, &usage::attribute_query(plan, &stale));
        Ok(charts::attributes(&self.run(read).await?)?)
    }
}

const SERIES_ROWS_MAX: usize = 10_000;
