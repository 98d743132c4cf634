//! Counts over time and by value.

use brokle_model::id::ProjectId;
use futures_util::future::try_join_all;

use super::{ReadError, Reads};
use crate::plan::{Histogram as HistogramPlan, TimeRange};
use crate::shape::charts::{self, FacetField, Facets, Histogram};
use crate::sql;

impl Reads {
    /// Traces over time, every bucket present.
    pub(crate) async fn histogram(&self, plan: &HistogramPlan) -> Result<Histogram, ReadError> {
        let batches = self.run(sql::histogram(plan)).await?;
        Ok(charts::histogram(plan, &batches)?)
    }

    /// The frequent values of each field that is offered for filtering.
    pub(crate) async fn facets(&self, project: ProjectId, range: TimeRange) -> Result<Facets, ReadError> {
        let each = sql::FACETS.map(|facet| async move {
            let batches = self.run(sql::facet(project, range, facet)).await?;
            Ok::<_, ReadError>(FacetField {
                field: facet.field,
                values: charts::facet_values(&batches)?,
            })
        });
        Ok(Facets {
            fields: try_join_all(each).await?,
        })
    }
}
