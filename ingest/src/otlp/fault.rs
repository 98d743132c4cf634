//! The reasons for which one item of a request is refused, while its neighbours are taken.

/// Why a span, a log record or a data point was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Trace id of the wrong length, or all zero.
    TraceId,
    /// Span id of the wrong length, or all zero.
    SpanId,
    /// A parent id that is neither absent nor eight bytes.
    ParentSpanId,
    /// No start time.
    StartMissing,
    /// A start beyond the receiver's tolerance for clocks that are ahead.
    StartInFuture,
    /// A start beyond the time that traces are kept.
    StartExpired,
    /// A time that storage cannot hold.
    TimeOutOfRange,
    /// Text that is not UTF-8.
    NotUtf8,
    /// Attribute values nested too deeply.
    TooDeep,
    /// A data point without a time.
    TimeMissing,
    /// A log record or data point beyond the receiver's tolerance for clocks that are ahead.
    TimeInFuture,
    /// A log record or data point beyond the time that its signal is kept.
    TimeExpired,
    /// A metric without a name.
    MetricName,
    /// A histogram whose numbers of buckets and of bounds do not fit each other.
    Buckets,
}

impl Fault {
    /// Every fault, in the order of its number.
    pub const ALL: [Self; 14] = [
        Self::TraceId,
        Self::SpanId,
        Self::ParentSpanId,
        Self::StartMissing,
        Self::StartInFuture,
        Self::StartExpired,
        Self::TimeOutOfRange,
        Self::NotUtf8,
        Self::TooDeep,
        Self::TimeMissing,
        Self::TimeInFuture,
        Self::TimeExpired,
        Self::MetricName,
        Self::Buckets,
    ];

    /// A stable word, for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TraceId => "trace_id",
            Self::SpanId => "span_id",
            Self::ParentSpanId => "parent_span_id",
            Self::StartMissing => "start_missing",
            Self::StartInFuture => "start_in_future",
            Self::StartExpired => "start_expired",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::NotUtf8 => "not_utf8",
            Self::TooDeep => "too_deep",
            Self::TimeMissing => "time_missing",
            Self::TimeInFuture => "time_in_future",
            Self::TimeExpired => "time_expired",
            Self::MetricName => "metric_name",
            Self::Buckets => "buckets",
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::TraceId => "trace_id is not 16 bytes or is all zero",
            Self::SpanId => "span_id is not 8 bytes or is all zero",
            Self::ParentSpanId => "parent_span_id is neither empty nor 8 bytes",
            Self::StartMissing => "start_time_unix_nano is missing",
            Self::StartInFuture => "start_time_unix_nano is too far in the future",
            Self::StartExpired => "start_time_unix_nano is older than traces are kept",
            Self::TimeOutOfRange => "a time is after the year 2262",
            Self::NotUtf8 => "a text is not UTF-8",
            Self::TooDeep => "an attribute value or body is nested too deeply",
            Self::TimeMissing => "time_unix_nano is missing",
            Self::TimeInFuture => "the time is too far in the future",
            Self::TimeExpired => "the time is longer ago than this signal is kept",
            Self::MetricName => "the metric has no name",
            Self::Buckets => "bucket_counts must have one element more than explicit_bounds, or both none",
        })
    }
}
