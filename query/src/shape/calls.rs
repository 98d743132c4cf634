//! Calls of the gateway and their attempts, as the API shows them, and a call as a line of a table.

use arrow_array::RecordBatch;
use brokle_model::id::{SpanId, TraceId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::columns::Columns;
use super::figures::Percentiles;
use super::{ShapeError, Usage, instant, money, present};
use crate::plan::{Cursor, RoutingKey};

/// A call of the gateway.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct RequestLog {
    /// Names the call: the id of its span, 16 hex digits.
    #[schema(value_type = String)]
    pub id: SpanId,
    /// Its trace, 32 hex digits.
    #[schema(value_type = String)]
    pub trace_id: TraceId,
    /// When it came.
    pub start_time: DateTime<Utc>,
    /// Until the last byte of the answer.
    pub duration_ms: f64,
    /// Until the first piece of the answer, failed attempts included.
    pub time_to_first_token_ms: Option<f64>,
    /// The HTTP method.
    pub method: String,
    /// The route of the API.
    #[schema(example = "/v1/chat/completions")]
    pub path: String,
    /// The HTTP status that the caller got; 499 when it went away.
    pub status: u16,
    /// `answered`, `failed` or `cancelled`.
    pub outcome: String,
    /// What went wrong, in a word.
    pub error_type: Option<String>,
    /// And in a sentence.
    pub error_message: Option<String>,
    /// The caller's `X-Request-Id`.
    pub request_id: Option<String>,
    /// The caller's program.
    pub user_agent: Option<String>,
    /// The API key that made it.
    pub api_key_id: Option<String>,
    /// The user on whose behalf.
    pub user_id: Option<String>,
    /// The session that it belongs to.
    pub session_id: Option<String>,
    /// Such as `production`.
    pub environment: Option<String>,
    /// What the caller named as `model`.
    pub model_requested: Option<String>,
    /// The route that this led to.
    pub route: Option<String>,
    /// How the order of targets came about.
    pub strategy: Option<String>,
    /// The route's rule that held.
    pub rule: Option<String>,
    /// The arm of the route's split.
    pub arm: Option<String>,
    /// The provider that answered, or was asked last, by the name that it is configured under.
    pub provider: Option<String>,
    /// Whose prices hold there.
    pub vendor: Option<String>,
    /// The model that answered, or was asked last.
    pub model: Option<String>,
    /// How many requests to providers it took.
    pub attempts: u16,
    /// Whether the answer was a stream.
    pub stream: bool,
    /// Whether it was a copy whose answer nobody got.
    pub shadow: bool,
    /// `hit`, `miss` or `bypass`, when the cache had to do with it.
    pub cache: Option<String>,
    /// The limit that refused it.
    pub refused_by: Option<String>,
    /// What all attempts used.
    pub usage: Usage,
    /// US dollars, when it was made; a decimal.
    pub total_cost: String,
    /// The beginning of what was asked.
    pub input_preview: Option<String>,
    /// The beginning of what was said.
    pub output_preview: Option<String>,
}

/// A call with its attempts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct RequestDetail {
    #[serde(flatten)]
    pub request: RequestLog,
    /// Its attempts, or its answer from the cache, in the order in which they began.
    pub attempts_made: Vec<Attempt>,
}

/// A request to a provider, or an answer from the cache.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
pub(crate) struct Attempt {
    /// Its observation in the trace, 16 hex digits.
    #[schema(value_type = String)]
    pub observation_id: SpanId,
    /// `attempt` or `cache`.
    pub kind: String,
    /// Its place among the call's attempts, from 1.
    pub attempt: u16,
    /// When it began.
    pub start_time: DateTime<Utc>,
    /// Until it ended.
    pub duration_ms: f64,
    /// Until the first piece of its answer.
    pub time_to_first_token_ms: Option<f64>,
    /// The provider, by the name that it is configured under.
    pub provider: String,
    /// Whose prices hold there.
    pub vendor: String,
    /// The model that was asked.
    pub model: String,
    /// The model that answered, by the provider's own word.
    pub model_answered: Option<String>,
    /// Which of the provider's keys, where it has several.
    pub provider_key: Option<String>,
    /// Whether it raced another one that was slow.
    pub hedge: bool,
    /// `answered`, `failed` or `cancelled`.
    pub outcome: String,
    /// What the call did next, such as `retried` or `fell_back`.
    pub decision: Option<String>,
    /// The provider's HTTP status.
    pub status: Option<u16>,
    /// What went wrong, in a word.
    pub error_type: Option<String>,
    /// Tokens.
    pub input_tokens: u64,
    /// Tokens.
    pub output_tokens: u64,
    /// US dollars; a decimal.
    pub total_cost: String,
}

/// Attempts added up.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct RoutingLine {
    /// What these attempts have in common: a value for each word of `group_by`, `null` where there is none.
    #[schema(value_type = std::collections::HashMap<String, Option<String>>)]
    pub group: std::collections::BTreeMap<&'static str, Option<String>>,
    /// Requests to providers.
    pub attempts: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were ended because the caller went away, or another was faster.
    pub cancelled: u64,
    /// Those that were not their call's first.
    pub resent: u64,
    /// After which the same target was tried again.
    pub retries: u64,
    /// After which another target was tried.
    pub fallbacks: u64,
    /// Those that raced another one that was slow.
    pub hedges: u64,
    /// Those whose answers nobody got.
    pub shadows: u64,
    /// Answers from the cache that were from here.
    pub cache_hits: u64,
    /// Decisions that were asked for and not carried out.
    pub decisions: u64,
    /// How often attempts failed, by the word for what went wrong.
    pub errors: std::collections::BTreeMap<String, u64>,
    /// Until the first piece of an answer.
    pub time_to_first_token: Option<Percentiles>,
    /// Until the end.
    pub duration: Option<Percentiles>,
    /// Tokens.
    pub input_tokens: u64,
    /// Tokens.
    pub output_tokens: u64,
    /// US dollars; a decimal.
    pub total_cost: String,
}

/// A call and its place in the list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlacedRequest {
    pub(crate) place: Cursor,
    pub(crate) end_ns: i64,
    pub(crate) request: RequestLog,
}

/// Reads calls, in their order.
pub(crate) fn requests(batches: &[RecordBatch]) -> Result<Vec<PlacedRequest>, ShapeError> {
    each(batches, placed)
}

/// Reads attempts, in their order.
pub(crate) fn attempts(batches: &[RecordBatch]) -> Result<Vec<Attempt>, ShapeError> {
    each(batches, attempt)
}

/// Reads the lines of a breakdown.
pub(crate) fn routing_lines(
    batches: &[RecordBatch],
    keys: &[RoutingKey],
) -> Result<Vec<RoutingLine>, ShapeError> {
    each(batches, |columns, row| line(columns, row, keys))
}

fn each<T>(
    batches: &[RecordBatch],
    read: impl Fn(&Columns<'_>, usize) -> Result<T, ShapeError>,
) -> Result<Vec<T>, ShapeError> {
    let mut found = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            found.push(read(&columns, row)?);
        }
    }
    Ok(found)
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

fn placed(columns: &Columns<'_>, row: usize) -> Result<PlacedRequest, ShapeError> {
    let text = |name| Ok::<_, ShapeError>(columns.text(name)?.value(row));
    let count = |name| columns.number(name)?.get(row);
    let short = |name| Ok::<_, ShapeError>(u16::try_from(count(name)?).unwrap_or(u16::MAX));
    let start_ns = columns.nanos("start_time")?[row];
    let (trace, span) = (
        columns.traces("trace_id")?.trace(row),
        columns.spans("span_id")?.span(row),
    );
    let duration_us = count("duration_us")?;
    let (input, output) = (count("input_tokens")?, count("output_tokens")?);
    let request = RequestLog {
        id: span,
        trace_id: trace,
        start_time: instant(start_ns),
        duration_ms: ms(duration_us),
        time_to_first_token_ms: waited(count("time_to_first_token_us")?),
        method: text("method")?.to_owned(),
        path: text("path")?.to_owned(),
        status: short("status")?,
        outcome: text("outcome")?.to_owned(),
        error_type: present(text("error_type")?),
        error_message: present(text("error_message")?),
        request_id: present(text("request_id")?),
        user_agent: present(text("user_agent")?),
        api_key_id: present(text("api_key_id")?),
        user_id: present(text("user_id")?),
        session_id: present(text("session_id")?),
        environment: present(text("environment")?),
        model_requested: present(text("model_requested")?),
        route: present(text("route")?),
        strategy: present(text("strategy")?),
        rule: present(text("rule")?),
        arm: present(text("arm")?),
        provider: present(text("provider")?),
        vendor: present(text("vendor")?),
        model: present(text("model")?),
        attempts: short("attempts")?,
        stream: columns.flag("stream")?.get(row),
        shadow: columns.flag("shadow")?.get(row),
        cache: present(text("cache")?),
        refused_by: present(text("refused_by")?),
        usage: Usage {
            input_tokens: input,
            output_tokens: output,
            cache_read_tokens: count("cache_read_tokens")?,
            cache_write_tokens: count("cache_write_tokens")?,
            reasoning_tokens: count("reasoning_tokens")?,
            total_tokens: input.saturating_add(output),
        },
        total_cost: money(text("cost")?),
        input_preview: present(text("input_preview")?),
        output_preview: present(text("output_preview")?),
    };
    let place = Cursor {
        start_ns,
        trace,
        span,
    };
    let lasted_ns = i64::try_from(duration_us.saturating_mul(1000)).unwrap_or(i64::MAX);
    Ok(PlacedRequest {
        place,
        end_ns: start_ns.saturating_add(lasted_ns),
        request,
    })
}

fn waited(micros: u64) -> Option<f64> {
    (micros > 0).then(|| ms(micros))
}

fn attempt(columns: &Columns<'_>, row: usize) -> Result<Attempt, ShapeError> {
    let text = |name| Ok::<_, ShapeError>(columns.text(name)?.value(row));
    let count = |name| columns.number(name)?.get(row);
    let short = |name| Ok::<_, ShapeError>(u16::try_from(count(name)?).unwrap_or(u16::MAX));
    Ok(Attempt {
        observation_id: columns.spans("span_id")?.span(row),
        kind: text("kind")?.to_owned(),
        attempt: short("attempt")?,
        start_time: instant(columns.nanos("start_time")?[row]),
        duration_ms: ms(count("duration_us")?),
        time_to_first_token_ms: waited(count("time_to_first_token_us")?),
        provider: text("provider")?.to_owned(),
        vendor: text("vendor")?.to_owned(),
        model: text("model")?.to_owned(),
        model_answered: present(text("model_answered")?),
        provider_key: present(text("provider_key")?),
        hedge: columns.flag("hedge")?.get(row),
        outcome: text("outcome")?.to_owned(),
        decision: present(text("decision")?),
        status: Some(short("status")?).filter(|status| *status != 0),
        error_type: present(text("error_type")?),
        input_tokens: count("input_tokens")?,
        output_tokens: count("output_tokens")?,
        total_cost: money(text("cost")?),
    })
}

fn line(columns: &Columns<'_>, row: usize, keys: &[RoutingKey]) -> Result<RoutingLine, ShapeError> {
    let count = |name| columns.number(name)?.get(row);
    let mut group = std::collections::BTreeMap::new();
    for key in keys {
        group.insert(key.as_str(), present(columns.text(key.as_str())?.value(row)));
    }
    let errors = columns.map("errors")?.integers(row)?;
    let errors = errors.into_iter();
    Ok(RoutingLine {
        group,
        attempts: count("attempts")?,
        answered: count("answered")?,
        failed: count("failed")?,
        cancelled: count("cancelled")?,
        resent: count("resent")?,
        retries: count("retries")?,
        fallbacks: count("fallbacks")?,
        hedges: count("hedges")?,
        shadows: count("shadows")?,
        cache_hits: count("cache_hits")?,
        decisions: count("decisions")?,
        errors: errors
            .map(|(word, times)| (word, u64::try_from(times).unwrap_or(0)))
            .collect(),
        time_to_first_token: percentiles(&columns.doubles("first_token", row)?),
        duration: percentiles(&columns.doubles("duration", row)?),
        input_tokens: count("tokens_in")?,
        output_tokens: count("tokens_out")?,
        total_cost: money(columns.text("cost")?.value(row)),
    })
}

/// Nothing where nothing was measured, which storage says as "not a number".
fn percentiles(micros: &[f64]) -> Option<Percentiles> {
    match micros {
        [p50, p95, p99] if p50.is_finite() => Some(Percentiles {
            p50_ms: p50 / 1e3,
            p95_ms: p95 / 1e3,
            p99_ms: p99 / 1e3,
        }),
        _ => None,
    }
}

/// The columns of a call as a table has them.
pub(crate) const CSV_HEADER: &str = "id,trace_id,start_time,duration_ms,time_to_first_token_ms,method,path,status,\
outcome,error_type,error_message,request_id,user_agent,api_key_id,user_id,session_id,environment,model_requested,route,\
strategy,rule,arm,provider,vendor,model,attempts,stream,shadow,cache,refused_by,input_tokens,output_tokens,\
cache_read_tokens,cache_write_tokens,reasoning_tokens,total_cost,input_preview,output_preview\r\n";

impl RequestLog {
    /// Adds a line of RFC 4180.
    pub(crate) fn add_csv(&self, text: &mut String) {
        let number = |number: Option<f64>| number.map(|number| number.to_string());
        let usage = &self.usage;
        let cells = [
            Some(self.id.to_string()),
            Some(self.trace_id.to_string()),
            Some(
                self.start_time
                    .to_rfc3339_opts(chrono::SecondsFormat::Nanos, true),
            ),
            number(Some(self.duration_ms)),
            number(self.time_to_first_token_ms),
            Some(self.method.clone()),
            Some(self.path.clone()),
            Some(self.status.to_string()),
            Some(self.outcome.clone()),
            self.error_type.clone(),
            self.error_message.clone(),
            self.request_id.clone(),
            self.user_agent.clone(),
            self.api_key_id.clone(),
            self.user_id.clone(),
            self.session_id.clone(),
            self.environment.clone(),
            self.model_requested.clone(),
            self.route.clone(),
            self.strategy.clone(),
            self.rule.clone(),
            self.arm.clone(),
            self.provider.clone(),
            self.vendor.clone(),
            self.model.clone(),
            Some(self.attempts.to_string()),
            Some(self.stream.to_string()),
            Some(self.shadow.to_string()),
            self.cache.clone(),
            self.refused_by.clone(),
            Some(usage.input_tokens.to_string()),
            Some(usage.output_tokens.to_string()),
            Some(usage.cache_read_tokens.to_string()),
            Some(usage.cache_write_tokens.to_string()),
            Some(usage.reasoning_tokens.to_string()),
            Some(self.total_cost.clone()),
            self.input_preview.clone(),
            self.output_preview.clone(),
        ];
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            add_cell(cell.as_deref().unwrap_or_default(), text);
        }
        text.push_str("\r\n");
    }
}

/// A cell, in quotes where it needs them. What a spreadsheet would take for a formula gets an apostrophe in front:
/// callers write user names and prompts.
fn add_cell(cell: &str, text: &mut String) {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let needs_quotes = is_formula || cell.contains([',', '"', '\n', '\r']);
    if !needs_quotes {
        text.push_str(cell);
        return;
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_never_become_formulas() {
        let cell = |text| {
            let mut out = String::new();
            add_cell(text, &mut out);
            out
        };
        assert_eq!(cell("plain text"), "plain text");
        assert_eq!(cell("a, \"b\"\nc"), "\"a, \"\"b\"\"\nc\"");
        assert_eq!(cell("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
    }

    #[test]
    fn what_was_never_measured_has_no_percentiles() {
        assert_eq!(percentiles(&[f64::NAN; 3]), None);
        let found = percentiles(&[1_000.0, 2_000.0, 3_000.0]).unwrap();
        assert!((found.p95_ms - 2.0).abs() < f64::EPSILON);
    }
}
