//! What is counted. Every figure adds up, over quarters as over groups; percentiles do not, so durations are
//! counted in bins from which they are read.

use brokle_model::telemetry::TRACE_ROW_TYPE;

/// A figure of a chart: a column of the roll-up, and how it is counted from observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Observations,
    Errors,
    /// Model calls. A call whose usage is counted elsewhere, as that of a wrapper around another, is none.
    Requests,
    RequestErrors,
    Traces,
    TraceErrors,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheWriteTokens,
    ReasoningTokens,
    Cost,
    /// Durations of model calls.
    Latency,
    /// Times to the first token.
    FirstToken,
    /// Durations of traces.
    TraceLatency,
}

impl Measure {
    pub(crate) const ALL: [Self; 15] = [
        Self::Observations,
        Self::Errors,
        Self::Requests,
        Self::RequestErrors,
        Self::Traces,
        Self::TraceErrors,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::ReasoningTokens,
        Self::Cost,
        Self::Latency,
        Self::FirstToken,
        Self::TraceLatency,
    ];
    /// All but the durations.
    pub(crate) const COUNTS: &'static [Self] = Self::ALL.split_at(12).0;

    pub(crate) const fn column(self) -> &'static str {
        match self {
            Self::Observations => "observations",
            Self::Errors => "errors",
            Self::Requests => "requests",
            Self::RequestErrors => "request_errors",
            Self::Traces => "traces",
            Self::TraceErrors => "trace_errors",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::CacheReadTokens => "cache_read_tokens",
            Self::CacheWriteTokens => "cache_write_tokens",
            Self::ReasoningTokens => "reasoning_tokens",
            Self::Cost => "cost",
            Self::Latency => "latency",
            Self::FirstToken => "first_token",
            Self::TraceLatency => "trace_latency",
        }
    }

    /// Counted over rows of [`super::observed`].
    pub(super) fn counted(self) -> String {
        let sum = |column: &str| format!("sumIf({column}, counts_usage)");
        match self {
            Self::Observations => format!("countIf(type != '{TRACE_ROW_TYPE}')"),
            Self::Errors => "countIf(failed)".to_owned(),
            Self::Requests => "countIf(is_request)".to_owned(),
            Self::RequestErrors => "countIf(is_request AND failed)".to_owned(),
            Self::Traces => "countIf(is_first)".to_owned(),
            Self::TraceErrors => "countIf(is_first AND trace_status_code = 2)".to_owned(),
            Self::InputTokens
            | Self::OutputTokens
            | Self::CacheReadTokens
            | Self::CacheWriteTokens
            | Self::ReasoningTokens => sum(self.column()),
            Self::Cost => sum("toDecimal128(total_cost, 12)"),
            Self::Latency => bins(
                "toUnixTimestamp64Nano(end_time) - toUnixTimestamp64Nano(start_time)",
                "is_request",
            ),
            Self::FirstToken => bins(
                "toInt64(time_to_first_token_us) * 1000",
                "is_request AND time_to_first_token_us > 0",
            ),
            Self::TraceLatency => bins(
                "toUnixTimestamp64Nano(trace_end) - toUnixTimestamp64Nano(trace_start)",
                "is_first",
            ),
        }
    }

    /// Added up over what was counted before.
    pub(super) const fn merge(self) -> &'static str {
        match self {
            Self::Latency | Self::FirstToken | Self::TraceLatency => "sumMap",
            _ => "sum",
        }
    }

    /// As it leaves storage: decimals as text, bins with keys and counts of one width.
    pub(super) fn output(self) -> String {
        let (column, merge) = (self.column(), self.merge());
        match self {
            Self::Cost => format!("toString({merge}({column})) AS {column}_total"),
            Self::Latency | Self::FirstToken | Self::TraceLatency => {
                format!("CAST({merge}({column}), 'Map(String, Int64)') AS {column}_total")
            }
            _ => format!("{merge}({column}) AS {column}_total"),
        }
    }
}

/// Durations in bins, sixteen to the doubling: bin `b` begins at `2^((b - 1) / 16)` microseconds, and bin 0
/// holds what is shorter than one.
fn bins(nanos: &str, condition: &str) -> String {
    format!(
        "sumMapIf(map(toUInt16(if({nanos} < 1000, 0, 1 + floor(16 * log2(({nanos}) / 1000)))), toUInt64(1)), {condition})"
    )
}
