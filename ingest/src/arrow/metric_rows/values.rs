//! The columns that hold what a data point measured.

use arrow_array::types::{Float64Type, Int8Type, Int32Type, Int64Type, UInt8Type, UInt64Type};
use arrow_schema::{ArrowError, DataType};

use super::super::Out;
use super::super::collection::NumbersColumn;
use super::super::column::NumberColumn;
use crate::otlp::metric::{BucketsView, Number, PointView};

/// What `number_kind` says of `number` and `number_int`.
const NUMBER_INT: i8 = 1;
const NUMBER_DOUBLE: i8 = 2;

/// The bits of `present`: of these fields, absent is not the same as zero or empty.
const HAS_SUM: u8 = 1;
const HAS_MIN: u8 = 2;
const HAS_MAX: u8 = 4;
const HAS_POSITIVE: u8 = 8;
const HAS_NEGATIVE: u8 = 16;

/// Values of all kinds.
#[derive(Default)]
pub(super) struct ValueColumns {
    number_kind: NumberColumn<Int8Type>,
    number: NumberColumn<Float64Type>,
    number_int: NumberColumn<Int64Type>,
    present: NumberColumn<UInt8Type>,
    count: NumberColumn<UInt64Type>,
    sum: NumberColumn<Float64Type>,
    min: NumberColumn<Float64Type>,
    max: NumberColumn<Float64Type>,
    bucket_counts: NumbersColumn<UInt64Type>,
    explicit_bounds: NumbersColumn<Float64Type>,
    scale: NumberColumn<Int32Type>,
    zero_count: NumberColumn<UInt64Type>,
    zero_threshold: NumberColumn<Float64Type>,
    positive: BucketColumns,
    negative: BucketColumns,
    quantiles: NumbersColumn<Float64Type>,
    quantile_values: NumbersColumn<Float64Type>,
}

/// The buckets of one side of an exponential histogram.
#[derive(Default)]
struct BucketColumns {
    offset: NumberColumn<Int32Type>,
    counts: NumbersColumn<UInt64Type>,
}

impl ValueColumns {
    pub(super) fn put(&mut self, row: usize, point: &PointView<'_>) {
        self.put_number(row, point.number);
        self.count.put(row, point.count);
        let mut present = 0;
        let optional = [
            (point.sum, &mut self.sum, HAS_SUM),
            (point.min, &mut self.min, HAS_MIN),
            (point.max, &mut self.max, HAS_MAX),
        ];
        for (value, column, bit) in optional {
            if let Some(value) = value {
                column.put_exact(row, value);
                present |= bit;
            }
        }
        let sides = [
            (point.positive, &mut self.positive, HAS_POSITIVE),
            (point.negative, &mut self.negative, HAS_NEGATIVE),
        ];
        for (buckets, columns, bit) in sides {
            if let Some(buckets) = buckets {
                columns.put(row, buckets);
                present |= bit;
            }
        }
        self.present.put(row, present);
        self.scale.put(row, point.scale);
        self.zero_count.put(row, point.zero_count);
        self.zero_threshold.put_exact(row, point.zero_threshold);
        self.bucket_counts.put(row, point.bucket_counts());
        self.explicit_bounds.put(row, point.explicit_bounds());
        self.quantiles.put(row, point.quantiles().map(|pair| pair.0));
        self.quantile_values
            .put(row, point.quantiles().map(|pair| pair.1));
    }

    fn put_number(&mut self, row: usize, number: Number) {
        match number {
            Number::None => {}
            Number::Int(value) => {
                self.number_kind.put(row, NUMBER_INT);
                self.number_int.put(row, value);
                self.number.put(row, value as f64);
            }
            Number::Double(value) => {
                self.number_kind.put(row, NUMBER_DOUBLE);
                self.number.put_exact(row, value);
            }
        }
    }

    pub(super) fn finish(self, rows: usize, out: &mut Out) -> Result<(), ArrowError> {
        out.push(("number_kind", self.number_kind.finish(rows, DataType::Int8)));
        out.push(("number", self.number.finish(rows, DataType::Float64)));
        out.push(("number_int", self.number_int.finish(rows, DataType::Int64)));
        out.push(("present", self.present.finish(rows, DataType::UInt8)));
        out.push(("count", self.count.finish(rows, DataType::UInt64)));
        out.push(("sum", self.sum.finish(rows, DataType::Float64)));
        out.push(("min", self.min.finish(rows, DataType::Float64)));
        out.push(("max", self.max.finish(rows, DataType::Float64)));
        out.push(("bucket_counts", self.bucket_counts.finish(rows)?));
        out.push(("explicit_bounds", self.explicit_bounds.finish(rows)?));
        out.push(("scale", self.scale.finish(rows, DataType::Int32)));
        out.push(("zero_count", self.zero_count.finish(rows, DataType::UInt64)));
        out.push((
            "zero_threshold",
            self.zero_threshold.finish(rows, DataType::Float64),
        ));
        out.push((
            "positive_offset",
            self.positive.offset.finish(rows, DataType::Int32),
        ));
        out.push(("positive_counts", self.positive.counts.finish(rows)?));
        out.push((
            "negative_offset",
            self.negative.offset.finish(rows, DataType::Int32),
        ));
        out.push(("negative_counts", self.negative.counts.finish(rows)?));
        out.push(("quantiles", self.quantiles.finish(rows)?));
        out.push(("quantile_values", self.quantile_values.finish(rows)?));
        Ok(())
    }
}

impl BucketColumns {
    fn put(&mut self, row: usize, buckets: BucketsView<'_>) {
        self.offset.put(row, buckets.offset);
        self.counts.put(row, buckets.counts());
    }
}
