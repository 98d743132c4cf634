//! Metrics: names, points, charts.

use arrow_array::RecordBatch;
use brokle_model::id::ProjectId;

use super::{ReadError, Reads};
use crate::plan::{MetricNames, MetricPoints, MetricSeries, NameCursor, PointCursor, TimeRange};
use crate::shape::metric::{self, MetricName, PointRow};
use crate::shape::series::{self, MetricChart};
use crate::sql::{self, STATES_MAX, Stream};

/// A page of names, and where the next one begins.
pub(crate) struct NamePage {
    pub(crate) items: Vec<MetricName>,
    pub(crate) next: Option<NameCursor>,
}

/// A page of points, and where the next one begins.
pub(crate) struct PointPage {
    pub(crate) items: Vec<PointRow>,
    pub(crate) next: Option<PointCursor>,
}

impl Reads {
    /// One page of the names of metrics.
    pub(crate) async fn list_metrics(&self, list: &MetricNames) -> Result<NamePage, ReadError> {
        let batches = self.run(sql::metric_names(list, None, list.limit + 1)).await?;
        let mut found = metric::names(&batches)?;
        let has_more = found.len() > list.limit;
        found.truncate(list.limit);
        let items: Vec<MetricName> = found.into_iter().map(|(name, _)| name).collect();
        let next = items.last().filter(|_| has_more);
        let next = next.map(|metric| NameCursor(metric.name.clone()));
        Ok(NamePage { items, next })
    }

    /// One page of a metric's points, as they came.
    pub(crate) async fn list_points(&self, list: &MetricPoints) -> Result<PointPage, ReadError> {
        if list.cursor.is_none() {
            self.stream(list.project, &list.name, list.range).await?;
        }
        let asked = list.limit + 1;
        let batches = self.run(sql::metric_points(list, asked)).await?;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let mut items = PointRow::read_all(&batches)?;
        let has_more = items.len() > list.limit || rows == asked;
        items.truncate(list.limit);
        let next = items.last().filter(|_| has_more).map(|row| row.place);
        Ok(PointPage { items, next })
    }

    /// A metric over time.
    pub(crate) async fn chart_metric(&self, plan: &MetricSeries) -> Result<MetricChart, ReadError> {
        let stream = self.stream(plan.project, &plan.name, plan.range).await?;
        let aggregation = series::suitable(&stream, plan.aggregation)?;
        let batches = self.run(sql::metric_states(plan, &stream)).await?;
        let states: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if states > STATES_MAX {
            return Err(ReadError::TooManyStates);
        }
        Ok(series::chart(&batches, plan, &stream, aggregation)?)
    }

    async fn stream(&self, project: ProjectId, name: &str, range: TimeRange) -> Result<Stream, ReadError> {
        let one = MetricNames {
            project,
            range,
            service: None,
            text: None,
            cursor: None,
            limit: 1,
        };
        let batches = self.run(sql::metric_names(&one, Some(name), 1)).await?;
        let found = metric::names(&batches)?.pop();
        found.map(|(_, stream)| stream).ok_or(ReadError::MetricNotFound)
    }
}
