//! Counts over time and by value.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::analytics::{RequestsPoint, Steps};
use super::columns::Columns;
use super::{ShapeError, present};
use crate::plan::{Histogram as HistogramPlan, Usage as UsagePlan};

/// Traces over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Histogram {
    /// The width of a bucket.
    pub interval_ms: i64,
    /// Every bucket of the range, empty ones included, oldest first.
    pub buckets: Vec<Bucket>,
}

/// The traces that began in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Bucket {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// How many traces.
    pub count: u64,
    /// How many of them failed.
    pub error_count: u64,
}

/// Fills the answer's gaps with zeros: a stretch without a trace had none.
pub(crate) fn histogram(plan: &HistogramPlan, batches: &[RecordBatch]) -> Result<Histogram, ShapeError> {
    let mut counts = HashMap::new();
    for batch in batches {
        let columns = Columns::of(batch);
        let (starts, totals) = (columns.number("bucket_ms")?, columns.number("trace_count")?);
        let errors = columns.number("error_count")?;
        for row in 0..batch.num_rows() {
            counts.insert(starts.get(row)?, (totals.get(row)?, errors.get(row)?));
        }
    }
    let buckets = plan.range.bucket_starts(plan.interval_ms).map(|start_ms| {
        let key = u64::try_from(start_ms).unwrap_or_default();
        let (count, error_count) = counts.get(&key).copied().unwrap_or_default();
        Bucket {
            start: DateTime::from_timestamp_millis(start_ms).unwrap_or_default(),
            count,
            error_count,
        }
    });
    Ok(Histogram {
        interval_ms: plan.interval_ms,
        buckets: buckets.collect(),
    })
}

/// The fields to filter by, with their frequent values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Facets {
    /// One per field.
    pub fields: Vec<FacetField>,
}

/// The same from figures, step by step.
pub(crate) fn histogram_of_steps(plan: &UsagePlan, steps: &Steps) -> Histogram {
    let bucket = |point: RequestsPoint| Bucket {
        start: point.start,
        count: point.traces,
        error_count: point.trace_errors,
    };
    Histogram {
        interval_ms: plan.interval_ms,
        buckets: steps.points("", false, plan).into_iter().map(bucket).collect(),
    }
}

/// A field to filter by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FacetField {
    /// Its name in the filter language.
    pub field: &'static str,
    /// Its most frequent values.
    pub values: Vec<FacetValue>,
}

/// A value to filter by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FacetValue {
    /// The value.
    pub value: String,
    /// Traces that have it.
    pub count: u64,
}

/// Reads the values of one field.
pub(crate) fn facet_values(batches: &[RecordBatch]) -> Result<Vec<FacetValue>, ShapeError> {
    let mut values = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        let (texts, counts) = (columns.text("facet_value")?, columns.number("trace_count")?);
        for row in 0..batch.num_rows() {
            values.push(FacetValue {
                value: texts.value(row).to_owned(),
                count: counts.get(row)?,
            });
        }
    }
    Ok(values)
}

/// An attribute, or a value of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Attribute {
    /// `attribute`, `resource` or `metadata`.
    pub scope: String,
    /// Its key.
    pub key: String,
    /// A value, when a key was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// About how many observations carry it: values that are rare in their quarter of an hour are not counted.
    pub observations: u64,
}

/// Reads keys or values.
pub(crate) fn attributes(batches: &[RecordBatch]) -> Result<Vec<Attribute>, ShapeError> {
    let mut attributes = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        let (scopes, keys) = (columns.text("found_scope")?, columns.text("found_key")?);
        let (values, counts) = (
            columns.text("found_value")?,
            columns.number("found_observations")?,
        );
        for row in 0..batch.num_rows() {
            attributes.push(Attribute {
                scope: scopes.value(row).to_owned(),
                key: keys.value(row).to_owned(),
                value: present(values.value(row)),
                observations: counts.get(row)?,
            });
        }
    }
    Ok(attributes)
}
