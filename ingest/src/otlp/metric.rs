//! Views of `Metric` and its data points. The rules of [`super::view`] apply.
//!
//! A data point's fields differ between the five kinds, but no number means two things that could be mixed up
//! once the kind is known, so that one view with the union of the fields serves all of them.

use super::value::KeyValues;
use super::view::{Text, low_i32, low_u32};
use super::wire::{Fields, PackedVarints, Repeated, Value};

/// The kinds of metric, by the number of the field that holds their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MetricKind {
    /// The current value of something.
    Gauge = 5,
    /// A running total.
    Sum = 7,
    /// Counts by buckets with given bounds.
    Histogram = 9,
    /// Counts by buckets whose bounds grow exponentially.
    ExponentialHistogram = 10,
    /// Quantiles that the sender has computed.
    Summary = 11,
}

impl MetricKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Gauge,
        Self::Sum,
        Self::Histogram,
        Self::ExponentialHistogram,
        Self::Summary,
    ];

    /// The kind whose data field `number` of a `Metric` holds.
    #[inline]
    pub const fn of_field(number: u32) -> Option<Self> {
        match number {
            5 => Some(Self::Gauge),
            7 => Some(Self::Sum),
            9 => Some(Self::Histogram),
            10 => Some(Self::ExponentialHistogram),
            11 => Some(Self::Summary),
            _ => None,
        }
    }

    /// Its name in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Sum => "sum",
            Self::Histogram => "histogram",
            Self::ExponentialHistogram => "exponential_histogram",
            Self::Summary => "summary",
        }
    }
}

/// Message `Metric`.
#[derive(Debug, Clone, Copy)]
pub struct MetricView<'a> {
    message: &'a [u8],
    /// What is measured.
    pub name: Text<'a>,
    /// For people.
    pub description: Text<'a>,
    /// The unit, in UCUM's words.
    pub unit: Text<'a>,
}

impl<'a> MetricView<'a> {
    /// Reads one `Metric` message.
    pub fn new(message: &'a [u8]) -> Self {
        let mut view = Self {
            message,
            name: Text::default(),
            description: Text::default(),
            unit: Text::default(),
        };
        for field in Fields::new(message).map_while(Result::ok) {
            match (field.number, field.value) {
                (1, Value::Bytes(text)) => view.name = Text(text),
                (2, Value::Bytes(text)) => view.description = Text(text),
                (3, Value::Bytes(text)) => view.unit = Text(text),
                _ => {}
            }
        }
        view
    }

    /// The metadata.
    #[inline]
    pub fn metadata(&self) -> KeyValues<'a> {
        KeyValues::new(self.message, 12)
    }

    /// The data. A sane metric has one; of one that has several kinds, none is passed over.
    #[inline]
    pub fn data(&self) -> impl Iterator<Item = DataView<'a>> + Clone + use<'a> {
        Fields::new(self.message)
            .map_while(Result::ok)
            .filter_map(|field| match (MetricKind::of_field(field.number), field.value) {
                (Some(kind), Value::Bytes(message)) => Some(DataView::new(kind, message)),
                _ => None,
            })
    }
}

/// Message `Gauge`, `Sum`, `Histogram`, `ExponentialHistogram` or `Summary`.
#[derive(Debug, Clone, Copy)]
pub struct DataView<'a> {
    message: &'a [u8],
    /// Which of them.
    pub kind: MetricKind,
    /// `AggregationTemporality` by number: 0 unspecified, 1 delta, 2 cumulative.
    pub temporality: i32,
    /// Whether a sum never falls.
    pub is_monotonic: bool,
}

impl<'a> DataView<'a> {
    fn new(kind: MetricKind, message: &'a [u8]) -> Self {
        let mut view = Self {
            message,
            kind,
            temporality: 0,
            is_monotonic: false,
        };
        if matches!(kind, MetricKind::Gauge | MetricKind::Summary) {
            return view;
        }
        for field in Fields::new(message).map_while(Result::ok) {
            match (field.number, field.value) {
                (2, Value::Varint(number)) => view.temporality = low_i32(number),
                (3, Value::Varint(flag)) if kind == MetricKind::Sum => view.is_monotonic = flag != 0,
                _ => {}
            }
        }
        view
    }

    /// The data points.
    #[inline]
    pub fn points(&self) -> impl Iterator<Item = PointView<'a>> + Clone + use<'a> {
        let kind = self.kind;
        Repeated::new(self.message, 1).map(move |message| PointView::new(kind, message))
    }
}

/// The value of a point of a gauge or sum.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Number {
    /// None was given.
    #[default]
    None,
    /// A 64-bit integer.
    Int(i64),
    /// A double, possibly not a number.
    Double(f64),
}

/// A data point of any kind. What a kind does not have is at its default.
#[derive(Debug, Clone, Copy)]
pub struct PointView<'a> {
    message: &'a [u8],
    kind: MetricKind,
    /// Since when the value counts, nanoseconds since 1970; zero when unknown.
    pub start_time_unix_nano: u64,
    /// When it was measured, nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// `DataPointFlags`.
    pub flags: u32,
    /// Of a gauge or sum.
    pub number: Number,
    /// Of a histogram or summary: how many values there were.
    pub count: u64,
    /// Of a histogram or summary: their sum.
    pub sum: Option<f64>,
    /// Of a histogram: the least value.
    pub min: Option<f64>,
    /// Of a histogram: the greatest value.
    pub max: Option<f64>,
    /// Of an exponential histogram: the resolution.
    pub scale: i32,
    /// Of an exponential histogram: values that are about zero.
    pub zero_count: u64,
    /// Of an exponential histogram: how far "about zero" reaches.
    pub zero_threshold: f64,
    /// Of an exponential histogram: the buckets above zero.
    pub positive: Option<BucketsView<'a>>,
    /// Of an exponential histogram: the buckets below zero.
    pub negative: Option<BucketsView<'a>>,
}

impl<'a> PointView<'a> {
    /// Reads one point of a metric of `kind`.
    pub fn new(kind: MetricKind, message: &'a [u8]) -> Self {
        let mut view = Self {
            message,
            kind,
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            flags: 0,
            number: Number::None,
            count: 0,
            sum: None,
            min: None,
            max: None,
            scale: 0,
            zero_count: 0,
            zero_threshold: 0.0,
            positive: None,
            negative: None,
        };
        for field in Fields::new(message).map_while(Result::ok) {
            match (field.number, field.value) {
                (2, Value::Fixed64(time)) => view.start_time_unix_nano = time,
                (3, Value::Fixed64(time)) => view.time_unix_nano = time,
                (number, value) => match kind {
                    MetricKind::Gauge | MetricKind::Sum => view.take_number(number, value),
                    MetricKind::Histogram => view.take_histogram(number, value),
                    MetricKind::ExponentialHistogram => view.take_exponential(number, value),
                    MetricKind::Summary => view.take_summary(number, value),
                },
            }
        }
        view
    }

    fn take_number(&mut self, number: u32, value: Value<'_>) {
        match (number, value) {
            (4, Value::Fixed64(bits)) => self.number = Number::Double(f64::from_bits(bits)),
            (6, Value::Fixed64(bits)) => self.number = Number::Int(bits.cast_signed()),
            (8, Value::Varint(flags)) => self.flags = low_u32(flags),
            _ => {}
        }
    }

    fn take_histogram(&mut self, number: u32, value: Value<'_>) {
        match (number, value) {
            (4, Value::Fixed64(count)) => self.count = count,
            (5, Value::Fixed64(bits)) => self.sum = Some(f64::from_bits(bits)),
            (10, Value::Varint(flags)) => self.flags = low_u32(flags),
            (11, Value::Fixed64(bits)) => self.min = Some(f64::from_bits(bits)),
            (12, Value::Fixed64(bits)) => self.max = Some(f64::from_bits(bits)),
            _ => {}
        }
    }

    fn take_exponential(&mut self, number: u32, value: Value<'a>) {
        match (number, value) {
            (4, Value::Fixed64(count)) => self.count = count,
            (5, Value::Fixed64(bits)) => self.sum = Some(f64::from_bits(bits)),
            (6, Value::Varint(scale)) => self.scale = zigzag(scale),
            (7, Value::Fixed64(count)) => self.zero_count = count,
            (8, Value::Bytes(message)) => self.positive.get_or_insert_default().merge(message),
            (9, Value::Bytes(message)) => self.negative.get_or_insert_default().merge(message),
            (10, Value::Varint(flags)) => self.flags = low_u32(flags),
            (12, Value::Fixed64(bits)) => self.min = Some(f64::from_bits(bits)),
            (13, Value::Fixed64(bits)) => self.max = Some(f64::from_bits(bits)),
            (14, Value::Fixed64(bits)) => self.zero_threshold = f64::from_bits(bits),
            _ => {}
        }
    }

    fn take_summary(&mut self, number: u32, value: Value<'_>) {
        match (number, value) {
            (4, Value::Fixed64(count)) => self.count = count,
            // Not optional in a summary: what is not written is zero.
            (5, Value::Fixed64(bits)) => self.sum = Some(f64::from_bits(bits)),
            (8, Value::Varint(flags)) => self.flags = low_u32(flags),
            _ => {}
        }
    }

    /// The message as it came.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.message
    }

    /// The attributes, which tell the series of a metric apart.
    #[inline]
    pub fn attributes(&self) -> KeyValues<'a> {
        let number = match self.kind {
            MetricKind::Gauge | MetricKind::Sum | MetricKind::Summary => 7,
            MetricKind::Histogram => 9,
            MetricKind::ExponentialHistogram => 1,
        };
        KeyValues::new(self.message, number)
    }

    /// Measurements kept as examples.
    #[inline]
    pub fn exemplars(&self) -> impl Iterator<Item = ExemplarView<'a>> + Clone + use<'a> {
        let number = match self.kind {
            MetricKind::Gauge | MetricKind::Sum => 5,
            MetricKind::Histogram => 8,
            MetricKind::ExponentialHistogram => 11,
            // No field has this number.
            MetricKind::Summary => 0,
        };
        Repeated::new(self.message, number).map(ExemplarView::new)
    }

    /// Of a histogram: how many values each bucket has.
    #[inline]
    pub fn bucket_counts(&self) -> impl Iterator<Item = u64> + use<'a> {
        fixed64s(self.message_of(MetricKind::Histogram), 6)
    }

    /// Of a histogram: the bounds between the buckets.
    #[inline]
    pub fn explicit_bounds(&self) -> impl Iterator<Item = f64> + use<'a> {
        fixed64s(self.message_of(MetricKind::Histogram), 7).map(f64::from_bits)
    }

    /// Of a summary: pairs of quantile and value.
    #[inline]
    pub fn quantiles(&self) -> impl Iterator<Item = (f64, f64)> + Clone + use<'a> {
        Repeated::new(self.message_of(MetricKind::Summary), 6).map(|message| {
            let mut pair = (0.0, 0.0);
            for field in Fields::new(message).map_while(Result::ok) {
                match (field.number, field.value) {
                    (1, Value::Fixed64(bits)) => pair.0 = f64::from_bits(bits),
                    (2, Value::Fixed64(bits)) => pair.1 = f64::from_bits(bits),
                    _ => {}
                }
            }
            pair
        })
    }

    const fn message_of(&self, kind: MetricKind) -> &'a [u8] {
        if self.kind as u8 == kind as u8 {
            self.message
        } else {
            &[]
        }
    }
}

/// Message `ExponentialHistogramDataPoint.Buckets`.
#[derive(Debug, Clone, Copy, Default)]
pub struct BucketsView<'a> {
    message: &'a [u8],
    /// The number of the first bucket.
    pub offset: i32,
}

impl<'a> BucketsView<'a> {
    /// Takes another piece; the last one with counts has them.
    fn merge(&mut self, message: &'a [u8]) {
        for field in Fields::new(message).map_while(Result::ok) {
            match (field.number, field.value) {
                (1, Value::Varint(offset)) => self.offset = zigzag(offset),
                (2, _) => self.message = message,
                _ => {}
            }
        }
    }

    /// How many values each bucket has.
    #[inline]
    pub fn counts(self) -> impl Iterator<Item = u64> + use<'a> {
        varints(self.message, 2)
    }
}

/// Message `Exemplar`.
#[derive(Debug, Clone, Copy)]
pub struct ExemplarView<'a> {
    message: &'a [u8],
    /// When it was measured, nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// What was measured.
    pub number: Number,
    /// The span during which it was measured, as it came.
    pub span_id: &'a [u8],
    /// That span's trace, as it came.
    pub trace_id: &'a [u8],
}

impl<'a> ExemplarView<'a> {
    /// Reads one `Exemplar` message.
    pub fn new(message: &'a [u8]) -> Self {
        let mut view = Self {
            message,
            time_unix_nano: 0,
            number: Number::None,
            span_id: &[],
            trace_id: &[],
        };
        for field in Fields::new(message).map_while(Result::ok) {
            match (field.number, field.value) {
                (2, Value::Fixed64(time)) => view.time_unix_nano = time,
                (3, Value::Fixed64(bits)) => view.number = Number::Double(f64::from_bits(bits)),
                (4, Value::Bytes(id)) => view.span_id = id,
                (5, Value::Bytes(id)) => view.trace_id = id,
                (6, Value::Fixed64(bits)) => view.number = Number::Int(bits.cast_signed()),
                _ => {}
            }
        }
        view
    }

    /// The attributes that the aggregation left out.
    #[inline]
    pub fn filtered_attributes(&self) -> KeyValues<'a> {
        KeyValues::new(self.message, 7)
    }
}

/// A `sint32`.
const fn zigzag(value: u64) -> i32 {
    let value = low_u32(value);
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// A repeated `fixed64` or `double`, packed or not.
fn fixed64s(message: &[u8], number: u32) -> impl Iterator<Item = u64> + use<'_> {
    Fields::new(message)
        .map_while(Result::ok)
        .filter(move |field| field.number == number)
        .flat_map(|field| {
            let (one, packed) = match field.value {
                Value::Fixed64(value) => (Some(value), &[][..]),
                Value::Bytes(bytes) => (None, bytes),
                _ => (None, &[][..]),
            };
            let (values, _) = packed.as_chunks::<8>();
            one.into_iter()
                .chain(values.iter().map(|bytes| u64::from_le_bytes(*bytes)))
        })
}

/// A repeated `uint64`, packed or not.
fn varints(message: &[u8], number: u32) -> impl Iterator<Item = u64> + use<'_> {
    Fields::new(message)
        .map_while(Result::ok)
        .filter(move |field| field.number == number)
        .flat_map(|field| {
            let (one, packed) = match field.value {
                Value::Varint(value) => (Some(value), &[][..]),
                Value::Bytes(bytes) => (None, bytes),
                _ => (None, &[][..]),
            };
            one.into_iter()
                .chain(PackedVarints::new(packed).map_while(Result::ok))
        })
}
