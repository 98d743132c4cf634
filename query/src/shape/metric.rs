//! Metrics: the list of their names, and points given back as OTLP.

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::any_value::double;
use super::columns::Columns;
use super::log_record::place;
use super::origin::Origin;
use super::otlp::{Exported, count, key_values, list, nanos, stored_list, text};
use super::span_row::Attributes;
use super::{ShapeError, instant, present};
use crate::plan::PointCursor;
use crate::sql::Stream;

type Object = Map<String, Value>;

/// A metric that there is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct MetricName {
    /// What it is called.
    pub name: String,
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`.
    pub kind: String,
    /// Its unit, in UCUM's words.
    pub unit: Option<String>,
    /// What its producer says about it.
    pub description: Option<String>,
    /// `delta`, `cumulative`, or none where that means nothing.
    pub temporality: Option<&'static str>,
    /// Whether a sum never falls.
    pub is_monotonic: bool,
    /// The services that send it, at most twenty.
    pub services: Vec<String>,
    /// Its first point in the days looked at.
    pub first_seen: DateTime<Utc>,
    /// Its last point in the days looked at.
    pub last_seen: DateTime<Utc>,
}

/// The names, in their order.
pub(crate) fn names(batches: &[RecordBatch]) -> Result<Vec<(MetricName, Stream)>, ShapeError> {
    let mut found = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            let text = |name| Ok::<_, ShapeError>(columns.text(name)?.value(row).to_owned());
            let stream = Stream {
                kind: text("kind")?,
                unit: text("unit")?,
                temporality: columns.signed("temporality")?.value(row),
                is_monotonic: columns.flag("is_monotonic")?.get(row),
            };
            let services = columns.texts("services", row)?;
            let name = MetricName {
                name: text("name")?,
                kind: stream.kind.clone(),
                unit: present(&stream.unit),
                description: present(&text("description")?),
                temporality: temporality_word(stream.temporality),
                is_monotonic: stream.is_monotonic,
                services: services.into_iter().filter(|name| !name.is_empty()).collect(),
                first_seen: instant(columns.nanos("first_seen")?[row]),
                last_seen: instant(columns.nanos("last_seen")?[row]),
            };
            found.push((name, stream));
        }
    }
    Ok(found)
}

const fn temporality_word(number: i32) -> Option<&'static str> {
    match number {
        1 => Some("delta"),
        2 => Some("cumulative"),
        _ => None,
    }
}

/// The bits of the column `present`.
const HAS_SUM: u8 = 1;
const HAS_MIN: u8 = 2;
const HAS_MAX: u8 = 4;
const HAS_POSITIVE: u8 = 8;
const HAS_NEGATIVE: u8 = 16;

/// A data point as stored, ready to be given back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PointRow {
    pub(crate) place: PointCursor,
    /// The metric without its data.
    metric: Object,
    /// Such as `sum`.
    data_key: &'static str,
    /// What the data say of all their points.
    data: Object,
    point: Value,
    origin: Origin,
}

impl PointRow {
    /// Reads all rows, in their order; a point that was sent twice is one.
    pub(crate) fn read_all(batches: &[RecordBatch]) -> Result<Vec<Self>, ShapeError> {
        let mut rows: Vec<Self> = Vec::new();
        for batch in batches {
            let columns = Columns::of(batch);
            for row in 0..batch.num_rows() {
                let read = Self::read(&columns, row)?;
                if rows.last().is_none_or(|last| last.place != read.place) {
                    rows.push(read);
                }
            }
        }
        Ok(rows)
    }

    fn read(columns: &Columns<'_>, row: usize) -> Result<Self, ShapeError> {
        let word = |name| Ok::<_, ShapeError>(columns.text(name)?.value(row).to_owned());
        let mut metric = Object::new();
        text(&mut metric, "name", word("name")?);
        text(&mut metric, "description", word("description")?);
        text(&mut metric, "unit", word("unit")?);
        list(&mut metric, "metadata", stored_list(&word("metadata")?));
        let (data_key, fields) = match columns.text("kind_word")?.value(row) {
            "gauge" => ("gauge", number_fields(columns, row)?),
            "sum" => ("sum", number_fields(columns, row)?),
            "histogram" => ("histogram", histogram_fields(columns, row)?),
            "exponential_histogram" => ("exponentialHistogram", exponential_fields(columns, row)?),
            _ => ("summary", summary_fields(columns, row)?),
        };
        let mut data = Object::new();
        let temporality = columns.signed("temporality")?.value(row);
        if temporality != 0 {
            data.insert("aggregationTemporality".to_owned(), Value::from(temporality));
        }
        if columns.flag("is_monotonic")?.get(row) {
            data.insert("isMonotonic".to_owned(), Value::Bool(true));
        }
        let mut point = common_fields(columns, row)?;
        point.extend(fields);
        Ok(Self {
            place: PointCursor {
                series: columns.number("series")?.get(row)?,
                place: place(columns, row)?,
            },
            metric,
            data_key,
            data,
            point: Value::Object(point),
            origin: Origin::read(columns, row)?,
        })
    }

    /// Whether a metric that is being written is this point's.
    fn belongs_to(&self, metric: &Object) -> bool {
        let own_data = metric.get(self.data_key).and_then(Value::as_object);
        let has_data = own_data.is_some_and(|data| {
            data.len() == self.data.len() + 1
                && self.data.iter().all(|(key, value)| data.get(key) == Some(value))
        });
        has_data
            && metric.len() == self.metric.len() + 1
            && self
                .metric
                .iter()
                .all(|(key, value)| metric.get(key) == Some(value))
    }
}

impl Exported for PointRow {
    const SCOPES: &'static str = "scopeMetrics";
    const ITEMS: &'static str = "metrics";

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn add_to(self, items: &mut Vec<Value>) {
        let found = items
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .find(|metric| self.belongs_to(metric));
        let points = found
            .and_then(|metric| metric.get_mut(self.data_key))
            .and_then(|data| data.get_mut("dataPoints"))
            .and_then(Value::as_array_mut);
        if let Some(points) = points {
            points.push(self.point);
            return;
        }
        let mut data = self.data;
        data.insert("dataPoints".to_owned(), Value::Array(vec![self.point]));
        let mut metric = self.metric;
        metric.insert(self.data_key.to_owned(), Value::Object(data));
        items.push(Value::Object(metric));
    }
}

fn common_fields(columns: &Columns<'_>, row: usize) -> Result<Object, ShapeError> {
    let mut point = Object::new();
    list(
        &mut point,
        "attributes",
        key_values(Attributes::read(columns, row)?),
    );
    let time = |name| Ok::<_, ShapeError>(columns.number(name)?.get(row)?.to_string());
    nanos(&mut point, "startTimeUnixNano", time("start_time_unix_nano")?);
    nanos(&mut point, "timeUnixNano", time("time_unix_nano")?);
    count(&mut point, "flags", columns.number("flags")?.get_u32(row)?);
    let exemplars = columns.text("exemplars")?.value(row);
    list(&mut point, "exemplars", stored_list(exemplars));
    Ok(point)
}

fn number_fields(columns: &Columns<'_>, row: usize) -> Result<Object, ShapeError> {
    let mut point = Object::new();
    match columns.text("number_word")?.value(row) {
        "int" => {
            let value = columns.integer("number_int")?.value(row);
            point.insert("asInt".to_owned(), Value::String(value.to_string()));
        }
        "double" => {
            let value = columns.float("number")?.value(row);
            point.insert("asDouble".to_owned(), double(value));
        }
        _ => {}
    }
    Ok(point)
}

fn whole(
    columns: &Columns<'_>,
    row: usize,
    point: &mut Object,
    key: &str,
    name: &'static str,
) -> Result<(), ShapeError> {
    nanos(point, key, columns.number(name)?.get(row)?.to_string());
    Ok(())
}

/// Fields whose absence says something.
fn optional(columns: &Columns<'_>, row: usize, point: &mut Object) -> Result<u8, ShapeError> {
    let present = columns.number("present")?.get_u8(row)?;
    for (bit, name) in [(HAS_SUM, "sum"), (HAS_MIN, "min"), (HAS_MAX, "max")] {
        if present & bit != 0 {
            point.insert(name.to_owned(), double(columns.float(name)?.value(row)));
        }
    }
    Ok(present)
}

fn histogram_fields(columns: &Columns<'_>, row: usize) -> Result<Object, ShapeError> {
    let mut point = Object::new();
    whole(columns, row, &mut point, "count", "count")?;
    optional(columns, row, &mut point)?;
    let counts = columns.counts("bucket_counts", row)?;
    let counts = counts.into_iter().map(|count| Value::String(count.to_string()));
    list(&mut point, "bucketCounts", counts.collect());
    let bounds = columns.doubles("explicit_bounds", row)?;
    list(
        &mut point,
        "explicitBounds",
        bounds.into_iter().map(double).collect(),
    );
    Ok(point)
}

fn exponential_fields(columns: &Columns<'_>, row: usize) -> Result<Object, ShapeError> {
    let mut point = Object::new();
    whole(columns, row, &mut point, "count", "count")?;
    whole(columns, row, &mut point, "zeroCount", "zero_count")?;
    let present = optional(columns, row, &mut point)?;
    let scale = columns.signed("scale")?.value(row);
    if scale != 0 {
        point.insert("scale".to_owned(), Value::from(scale));
    }
    let threshold = columns.float("zero_threshold")?.value(row);
    if threshold.to_bits() != 0 {
        point.insert("zeroThreshold".to_owned(), double(threshold));
    }
    let sides = [
        (HAS_POSITIVE, "positive", "positive_offset", "positive_counts"),
        (HAS_NEGATIVE, "negative", "negative_offset", "negative_counts"),
    ];
    for (bit, key, offset, counts) in sides {
        if present & bit == 0 {
            continue;
        }
        let mut buckets = Object::new();
        let offset = columns.signed(offset)?.value(row);
        if offset != 0 {
            buckets.insert("offset".to_owned(), Value::from(offset));
        }
        let counts = columns.counts(counts, row)?;
        let counts = counts.into_iter().map(|count| Value::String(count.to_string()));
        list(&mut buckets, "bucketCounts", counts.collect());
        point.insert(key.to_owned(), Value::Object(buckets));
    }
    Ok(point)
}

fn summary_fields(columns: &Columns<'_>, row: usize) -> Result<Object, ShapeError> {
    let mut point = Object::new();
    whole(columns, row, &mut point, "count", "count")?;
    let sum = columns.float("sum")?.value(row);
    if sum.to_bits() != 0 {
        point.insert("sum".to_owned(), double(sum));
    }
    let quantiles = columns.doubles("quantiles", row)?;
    let values = columns.doubles("quantile_values", row)?;
    let pairs = quantiles.into_iter().zip(values).map(|(quantile, value)| {
        let mut pair = Object::new();
        for (key, value) in [("quantile", quantile), ("value", value)] {
            if value.to_bits() != 0 {
                pair.insert(key.to_owned(), double(value));
            }
        }
        json!(pair)
    });
    list(&mut point, "quantileValues", pairs.collect());
    Ok(point)
}
