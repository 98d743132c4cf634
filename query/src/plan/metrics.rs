//! Which metrics are asked for, and what is to be made of their points.

use brokle_model::id::ProjectId;

use super::{NameCursor, PlanError, PointCursor, TimeRange};

/// Names on a page when the caller does not say.
pub const METRIC_NAMES_DEFAULT: usize = 100;
/// The most names on a page.
pub const METRIC_NAMES_MAX: usize = 1_000;
/// Attributes that series can be told apart by.
const GROUP_BY_MAX: usize = 4;
/// Attributes that points can be chosen by.
const ATTRIBUTES_MAX: usize = 10;
/// The most steps of a series.
const STEPS_MAX: i64 = 1_500;

/// What points must be like. What is not set does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricFilter {
    /// The service's name.
    pub service: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// Attributes of the point, or else of its resource, by name and value.
    pub attributes: Vec<(String, String)>,
}

/// One page of the names of metrics.
#[derive(Debug, Clone)]
pub struct MetricNames {
    /// Whose.
    pub project: ProjectId,
    /// Of when.
    pub range: TimeRange,
    /// Of which service.
    pub service: Option<String>,
    /// What the name has in it.
    pub text: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<NameCursor>,
    /// Names on the page.
    pub limit: usize,
}

/// Points of one metric, as they came.
#[derive(Debug, Clone)]
pub struct MetricPoints {
    /// Whose.
    pub project: ProjectId,
    /// Which metric.
    pub name: String,
    /// Of when.
    pub range: TimeRange,
    /// Which points.
    pub filter: MetricFilter,
    /// Where the page before ended.
    pub cursor: Option<PointCursor>,
    /// Points on the page.
    pub limit: usize,
}

/// A chart of one metric.
#[derive(Debug, Clone)]
pub struct MetricSeries {
    /// Whose.
    pub project: ProjectId,
    /// Which metric.
    pub name: String,
    /// Of when.
    pub range: TimeRange,
    /// Which points.
    pub filter: MetricFilter,
    /// The width of a step.
    pub interval_ms: i64,
    /// The attributes that tell its lines apart.
    pub group_by: Vec<String>,
    /// What each step shows; by default what suits the metric.
    pub aggregation: Option<Aggregation>,
}

/// What a step shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// The mean of all values.
    Avg,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// Values added up over the series; of a histogram or summary, the sum of what was measured.
    Sum,
    /// How much a counter grew.
    Increase,
    /// How much a counter grew, per second; of a histogram or summary, how many values there were per second.
    Rate,
    /// Of a histogram or summary, how many values there were.
    Count,
    /// The value below which so many per cent are.
    Percentile(u8),
}

impl Aggregation {
    /// Reads a word.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        Ok(match text {
            "avg" => Self::Avg,
            "min" => Self::Min,
            "max" => Self::Max,
            "sum" => Self::Sum,
            "increase" => Self::Increase,
            "rate" => Self::Rate,
            "count" => Self::Count,
            "p50" => Self::Percentile(50),
            "p75" => Self::Percentile(75),
            "p90" => Self::Percentile(90),
            "p95" => Self::Percentile(95),
            "p99" => Self::Percentile(99),
            _ => {
                return Err(PlanError::UnknownWord {
                    field: "aggregation",
                    expected: "avg, min, max, sum, increase, rate, count, p50, p75, p90, p95 or p99",
                });
            }
        })
    }

    /// The word.
    pub fn word(self) -> String {
        match self {
            Self::Avg => "avg".to_owned(),
            Self::Min => "min".to_owned(),
            Self::Max => "max".to_owned(),
            Self::Sum => "sum".to_owned(),
            Self::Increase => "increase".to_owned(),
            Self::Rate => "rate".to_owned(),
            Self::Count => "count".to_owned(),
            Self::Percentile(percent) => format!("p{percent}"),
        }
    }
}

/// The names in `group_by`, separated by commas.
pub fn group_by(text: Option<&str>) -> Result<Vec<String>, PlanError> {
    let names = text.unwrap_or_default().split(',').map(str::trim);
    let names: Vec<String> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.len() > GROUP_BY_MAX {
        return Err(PlanError::UnknownWord {
            field: "group_by",
            expected: "at most four names of attributes, separated by commas",
        });
    }
    Ok(names)
}

/// The pairs in `attributes`, a JSON object of texts.
pub fn attributes(text: Option<&str>) -> Result<Vec<(String, String)>, PlanError> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let parsed: Option<std::collections::BTreeMap<String, String>> = serde_json::from_str(text).ok();
    let pairs = parsed.filter(|pairs| pairs.len() <= ATTRIBUTES_MAX);
    pairs
        .map(|pairs| pairs.into_iter().collect())
        .ok_or(PlanError::UnknownWord {
            field: "attributes",
            expected: "a JSON object of at most ten names and texts, such as {\"http.route\":\"/a\"}",
        })
}

/// The width of a step: the caller's, or one that gives about a hundred.
pub fn step_ms(asked: Option<i64>, range: TimeRange) -> Result<i64, PlanError> {
    let Some(step) = asked else {
        return Ok(range.interval_ms(super::BUCKETS_MAX));
    };
    if step < 1_000 || step % 1_000 != 0 || range.bucket_count(step) > STEPS_MAX {
        return Err(PlanError::UnknownWord {
            field: "interval_ms",
            expected: "whole seconds that give at most 1500 steps",
        });
    }
    Ok(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for word in [
            "avg", "min", "max", "sum", "increase", "rate", "count", "p50", "p99",
        ] {
            assert_eq!(Aggregation::parse(word).unwrap().word(), word);
        }
        assert!(Aggregation::parse("p42").is_err());
    }

    #[test]
    fn lists_are_bounded_and_objects_hold_texts() {
        assert_eq!(group_by(Some("a, b.c,")).unwrap(), ["a", "b.c"]);
        assert!(group_by(Some("a,b,c,d,e")).is_err());
        assert_eq!(
            attributes(Some("{\"a\":\"1\"}")).unwrap(),
            [("a".to_owned(), "1".to_owned())]
        );
        for text in ["a=1", "[]", "{\"a\":1}"] {
            assert!(attributes(Some(text)).is_err(), "{text}");
        }
    }
}
