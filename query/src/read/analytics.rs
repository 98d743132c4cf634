//! Charts and lists of figures: first what the roll-up does not have, then both sources in one statement.

use futures_util::try_join;

use super::{ReadError, Reads};
use crate::plan::{Dimension, GroupBy, QUARTER_MS, SERIES_MAX, TopCursor, TopSort, Usage as UsagePlan};
use crate::shape::analytics::{
    self, Chart, Overview, OverviewPoint, Point, Steps, TopEntry, TopList, Totals,
};
use crate::sql::usage::{self, BUCKET_S, Family, Measure, Stale, UsageQuery};

/// More rows than a chart has steps and lines.
const SERIES_ROWS_MAX: usize = 40_000;

/// A page of a list, and where the next one begins.
pub(crate) struct TopPage {
    pub(crate) items: Vec<TopEntry>,
    pub(crate) next: Option<TopCursor>,
}

impl TopList {
    /// What tells its entries apart, in the order of its cursor.
    pub(crate) const fn dimensions(self) -> &'static [Dimension] {
        match self {
            Self::Models => &[Dimension::Model, Dimension::Provider],
            Self::Providers => &[Dimension::Provider],
            Self::Users => &[Dimension::User],
            Self::Sessions => &[Dimension::Session],
        }
    }

    /// Percentiles are shown of what has few entries.
    const fn measures(self) -> &'static [Measure] {
        match self {
            Self::Models | Self::Providers => OverviewPoint::MEASURES,
            Self::Users | Self::Sessions => Measure::COUNTS,
        }
    }
}

impl Reads {
    /// A stretch of time in figures, and the one before.
    pub(crate) async fn overview(&self, plan: &UsagePlan) -> Result<Overview, ReadError> {
        let before = plan.before();
        let ((steps, people), (earlier, people_before)) =
            try_join!(self.everything(plan), self.everything(&before))?;
        Ok(Overview {
            from: plan.range.from,
            to: plan.range.to,
            interval_ms: plan.interval_ms,
            totals: Totals::new(&steps.total(), people),
            previous: Totals::new(&earlier.total(), people_before),
            points: steps.points("", false, plan),
        })
    }

    async fn everything(&self, plan: &UsagePlan) -> Result<(Steps, (u64, u64)), ReadError> {
        let stale = self.stale(plan, &[]).await?;
        let people_stale = self.stale(plan, &[Dimension::User, Dimension::Session]).await?;
        let measures = OverviewPoint::MEASURES;
        let series = usage::series(
            &query(plan, &stale, measures),
            plan.interval_ms,
            None,
            SERIES_ROWS_MAX,
        );
        let people = usage::people(&query(plan, &people_stale, &[]));
        let (series, people) = try_join!(self.run(series), self.run(people))?;
        Ok((Steps::read(&series, measures)?, analytics::people(&people)?))
    }

    /// A chart, in one line or in one per value of `by`.
    pub(crate) async fn chart<P: Point>(
        &self,
        plan: &UsagePlan,
        by: Option<GroupBy>,
        sort: TopSort,
    ) -> Result<Chart<P>, ReadError> {
        let by = by.map(Dimension::from);
        let stale = self.stale(plan, by.as_slice()).await?;
        let query = query(plan, &stale, P::MEASURES);
        let keys = match by {
            None => None,
            Some(dimension) => Some(self.lines(&query, dimension, sort).await?),
        };
        let lines = by.zip(keys.as_deref());
        let series = self
            .run(usage::series(&query, plan.interval_ms, lines, SERIES_ROWS_MAX))
            .await?;
        let steps = Steps::read(&series, P::MEASURES)?;
        Ok(analytics::chart(plan, &steps, keys.as_deref()))
    }

    /// The values that get a line of their own.
    async fn lines(
        &self,
        query: &UsageQuery<'_>,
        by: Dimension,
        sort: TopSort,
    ) -> Result<Vec<String>, ReadError> {
        let query = UsageQuery {
            measures: Measure::COUNTS,
            ..query.clone()
        };
        let batches = self
            .run(usage::top(&query, &[by], sort, None, SERIES_MAX))
            .await?;
        Ok(analytics::line_keys(by, &batches)?)
    }

    /// One page of a list of figures.
    pub(crate) async fn top(
        &self,
        plan: &UsagePlan,
        list: TopList,
        sort: TopSort,
        cursor: Option<&TopCursor>,
        limit: usize,
    ) -> Result<TopPage, ReadError> {
        let stale = self.stale(plan, list.dimensions()).await?;
        let measures = list.measures();
        let query = query(plan, &stale, measures);
        let batches = self
            .run(usage::top(&query, list.dimensions(), sort, cursor, limit + 1))
            .await?;
        let mut entries = analytics::top(list, &batches, measures)?;
        let has_next = entries.len() > limit;
        entries.truncate(limit);
        let next = entries
            .last()
            .filter(|_| has_next)
            .map(|(place, _)| place.clone());
        Ok(TopPage {
            items: entries.into_iter().map(|(_, entry)| entry).collect(),
            next,
        })
    }

    /// What of the plan's range is to be read from the observations, when figures are kept apart by `by`.
    pub(super) async fn stale(&self, plan: &UsagePlan, by: &[Dimension]) -> Result<Stale, ReadError> {
        let mut dimensions = by.to_vec();
        dimensions.extend(plan.only.iter().map(|(dimension, _)| *dimension));
        if plan.interval_ms < QUARTER_MS || Family::keeping_apart(&dimensions).is_none() {
            return Ok(Stale::all(plan.range));
        }
        let batches = self.run(usage::stale(plan.project, plan.range)).await?;
        Ok(Stale::covering(analytics::quarters(&batches)?))
    }
}

pub(super) fn query<'a>(plan: &'a UsagePlan, stale: &'a Stale, measures: &'a [Measure]) -> UsageQuery<'a> {
    UsageQuery {
        project: plan.project,
        range: plan.range,
        stale,
        only: &plan.only,
        filter: None,
        measures,
        bucket_s: BUCKET_S.min(plan.interval_ms / 1_000),
    }
}
