//! What stock instrumentations sent, recorded (testkit/fixtures/producers), and what each span of it becomes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use brokle_ingest::arrow::encode_range;
use brokle_ingest::otlp::json::to_protobuf;
use brokle_model::conversation::{self, Side};
use brokle_model::telemetry::Signal;
use brokle_model::usage::TokenUsage;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::arrow_support::{context, record, rows};

type Tokens = &'static [(&'static str, u64)];

/// What the fake provider counted for its answers, bucket by bucket.
const OPENAI_AGENT: Tokens = &[
    ("input", 566),
    ("cache_read", 2176),
    ("output", 188),
    ("reasoning", 192),
];
const OPENAI_ALL: Tokens = &[
    ("input", 646),
    ("cache_read", 2176),
    ("audio_input", 320),
    ("output", 238),
    ("reasoning", 192),
    ("audio_output", 200),
];
const ANTHROPIC: Tokens = &[
    ("input", 1200),
    ("cache_read", 3000),
    ("cache_write", 500),
    ("cache_write_1h", 100),
    ("output", 210),
];
/// The same from producers that do not say for how long something was cached.
const ANTHROPIC_WRITES: Tokens = &[
    ("input", 1200),
    ("cache_read", 3000),
    ("cache_write", 600),
    ("output", 210),
];
/// The agent and one more generation, whose usage and cost the application gave by hand.
const LANGFUSE: Tokens = &[
    ("input", 1604),
    ("cache_read", 2576),
    ("cache_write", 500),
    ("cache_write_1h", 100),
    ("audio_input", 320),
    ("output", 388),
    ("reasoning", 192),
    ("audio_output", 200),
];

/// Each recording, the buckets that its provider counted, and what that costs by the lists of prices, in USD. Where
/// the instrumentation leaves details out, its words are all that can be counted. Two recordings are not here:
/// `traceloop_anthropic` and `openinference_anthropic`, where the client and the instrumentation around it each send
/// a span for the same call.
const INVOICES: &[(&str, Tokens, &str)] = &[
    ("brokle", &[("input", 2700), ("output", 380)], "0.001435"),
    ("langfuse", LANGFUSE, "0.0316854"),
    ("openinference", OPENAI_ALL, "0.02468624"),
    ("otel_anthropic", ANTHROPIC, "0.010125"),
    ("otel_current", &[("input", 3142), ("output", 630)], "0.00493584"),
    // It did not count streams.
    (
        "otel_old_attributes",
        &[("input", 1642), ("output", 550)],
        "0.00440084",
    ),
    ("otel_old_events", &[("input", 3100), ("output", 630)], "0.004935"),
    (
        "traceloop",
        &[
            ("input", 966),
            ("cache_read", 2176),
            ("output", 438),
            ("reasoning", 192),
        ],
        "0.00444624",
    ),
    ("vercel_4", OPENAI_AGENT, "0.00094624"),
    ("vercel_4_anthropic", ANTHROPIC_WRITES, "0.0099"),
    ("vercel_5", &[("input", 2742), ("output", 380)], "0.00143584"),
    ("vercel_5_anthropic", ANTHROPIC, "0.010125"),
    ("vercel_6", OPENAI_AGENT, "0.00094624"),
    ("vercel_6_anthropic", ANTHROPIC, "0.010125"),
    (
        "vercel_7",
        &[("input", 566), ("cache_read", 2176), ("output", 380)],
        "0.00094624",
    ),
    ("vercel_7_anthropic", ANTHROPIC_WRITES, "0.0099"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures/producers")
}

/// The rows that a recording becomes, in the order of their spans' starts.
fn recorded_rows(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    let recording: Value = serde_json::from_str(&text).unwrap();
    let bodies: Vec<Vec<u8>> = recording["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| to_protobuf(Signal::Traces, &serde_json::to_vec(request).unwrap()).unwrap())
        .collect();
    let records: Vec<_> = bodies.iter().map(|body| record(body)).collect();
    let mut rows = rows(&encode_range(&records, &context()).unwrap());
    rows.sort_by_key(|row| row["start_time"].as_i64());
    rows
}

fn count(row: &Value, column: &str) -> u64 {
    row[column].as_u64().unwrap_or(0)
}

/// A row's tokens, each in its one bucket.
fn buckets(row: &Value) -> BTreeMap<&'static str, u64> {
    let detail = |name: &str| row["usage_details"][name].as_u64().unwrap_or(0);
    let usage = TokenUsage {
        input: count(row, "input_tokens"),
        output: count(row, "output_tokens"),
        cache_read: count(row, "cache_read_tokens"),
        cache_write: count(row, "cache_write_tokens"),
        cache_write_1h: detail("cache_write_1h"),
        audio_input: detail("audio_input"),
        image_input: detail("image_input"),
        reasoning: count(row, "reasoning_tokens"),
        audio_output: detail("audio_output"),
        image_output: detail("image_output"),
    };
    let buckets = usage.buckets();
    buckets
        .iter()
        .map(|(bucket, count)| (bucket.as_str(), count))
        .collect()
}

/// What a reader is shown of a span, without what is empty.
fn shown(row: &Value) -> Value {
    let conversation = |side: Side, column: &str| {
        let text = row[column].as_str().unwrap_or_default();
        let source = row[format!("{column}_source")].as_str().unwrap_or_default();
        if text.is_empty() {
            return Value::Null;
        }
        let attribute = |name: &str| row["attributes_string"][name].as_str();
        let content = conversation::complete(conversation::read(text, source, side), source, side, attribute);
        json!({"source": source, "content": content})
    };
    let mut shown = Map::from_iter([
        ("name".to_owned(), row["name"].clone()),
        ("type".to_owned(), row["type"].clone()),
        ("tokens".to_owned(), json!(buckets(row))),
        ("input".to_owned(), conversation(Side::Input, "input")),
        ("output".to_owned(), conversation(Side::Output, "output")),
    ]);
    for column in [
        "provider",
        "model",
        "model_requested",
        "counts_usage",
        "total_cost",
        "cost_details",
        "price_mode",
        "session_id",
        "user_id",
        "tags",
        "metadata",
        "trace_name",
        "environment",
        "release",
        "level",
    ] {
        shown.insert(column.to_owned(), row[column].clone());
    }
    shown.insert(
        "has_first_token".to_owned(),
        json!(count(row, "time_to_first_token_us") > 0),
    );
    let empty = [
        json!(""),
        json!({}),
        json!([]),
        json!(null),
        json!("0"),
        json!(false),
        json!("DEFAULT"),
        json!("default"),
    ];
    shown.retain(|_, value| !empty.contains(value));
    Value::Object(shown)
}

/// Compares what a recording becomes with the file beside it. What it became is left in `target` for reading.
fn assert_becomes_what_is_expected(name: &str) {
    let became: Vec<Value> = recorded_rows(name).iter().map(shown).collect();
    let became = Value::Array(became);
    let left = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
    std::fs::write(&left, format!("{became:#}\n")).unwrap();
    let expected = std::fs::read_to_string(folder().join("expected").join(format!("{name}.json")));
    let expected: Value = serde_json::from_str(&expected.unwrap_or_else(|_| "[]".to_owned())).unwrap();
    assert_eq!(became, expected, "{name}; see {}", left.display());
}

/// Sums up what counts: tokens by bucket, and money.
fn invoice(rows: &[Value]) -> (BTreeMap<&'static str, u64>, Decimal) {
    let mut tokens = BTreeMap::new();
    let mut cost = Decimal::ZERO;
    for row in rows.iter().filter(|row| row["counts_usage"] == true) {
        for (bucket, count) in buckets(row) {
            *tokens.entry(bucket).or_default() += count;
        }
        cost += row["total_cost"].as_str().unwrap().parse::<Decimal>().unwrap();
    }
    (tokens, cost)
}

#[test]
fn a_traces_sum_is_the_providers_invoice() {
    let wrong: Vec<String> = INVOICES
        .iter()
        .filter_map(|(name, tokens, cost)| {
            let expected = (tokens.iter().copied().collect(), cost.parse::<Decimal>().unwrap());
            let counted = invoice(&recorded_rows(name));
            (counted != expected).then(|| format!("{name}: {counted:?} instead of {expected:?}"))
        })
        .collect();
    assert_eq!(wrong, [""; 0]);
}

/// A value of OTLP/JSON without the names of its types.
fn plain(value: &Value) -> Value {
    let entries = |list: &Value| list["values"].as_array().cloned().unwrap_or_default();
    match value.as_object().and_then(|object| object.iter().next()) {
        Some((kind, list)) if kind == "kvlistValue" => fields(&entries(list)).into(),
        Some((kind, list)) if kind == "arrayValue" => entries(list).iter().map(plain).collect(),
        Some((kind, number)) if kind == "intValue" => json!(number.as_str().unwrap().parse::<i64>().unwrap()),
        Some((_, scalar)) => scalar.clone(),
        None => Value::Null,
    }
}

fn fields(attributes: &[Value]) -> Map<String, Value> {
    let field = |field: &Value| (field["key"].as_str().unwrap().to_owned(), plain(&field["value"]));
    attributes.iter().map(field).collect()
}

#[test]
fn log_records_make_up_the_conversation_of_their_span() {
    let text = std::fs::read_to_string(folder().join("otel_old_events.json")).unwrap();
    let recording: Value = serde_json::from_str(&text).unwrap();
    let requests = recording["logs"].as_array().unwrap();
    let records = requests
        .iter()
        .map(|request| &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]);
    let mut of_span: BTreeMap<&str, (Vec<conversation::Message>, Vec<conversation::Message>)> =
        BTreeMap::new();
    for record in records {
        let attributes = fields(record["attributes"].as_array().unwrap());
        let said = conversation::from_log(
            attributes["event.name"].as_str().unwrap(),
            &attributes,
            &plain(&record["body"]),
        );
        let (input, output) = of_span.entry(record["spanId"].as_str().unwrap()).or_default();
        input.extend(said.input);
        output.extend(said.output);
    }
    let (input, output) = &of_span["0000000000000004"];
    assert_eq!(
        json!([input, output]),
        json!([
            [
                {"role": "system", "parts": [{"type": "text", "content": "Be terse."}]},
                {"role": "user", "parts": [{"type": "text", "content": "How warm is it in Paris?"}]},
                {"role": "assistant", "parts": [
                    {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}}
                ]},
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "result": {"celsius": 21}}]},
            ],
            [{
                "role": "assistant", "finish_reason": "stop",
                "parts": [{"type": "text", "content": "It is 21 degrees in Paris."}],
            }],
        ])
    );
}

/// One test for each recording.
macro_rules! recordings {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            assert_becomes_what_is_expected(stringify!($name));
        })+

        #[test]
        fn every_recording_has_its_test() {
            let tested = [$(stringify!($name)),+];
            let files = std::fs::read_dir(folder()).unwrap();
            let mut names: Vec<String> = files
                .filter_map(|file| file.unwrap().file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
                .collect();
            names.sort();
            assert_eq!(names, tested);
        }
    };
}

recordings! {
    brokle,
    langfuse,
    openinference,
    openinference_anthropic,
    otel_anthropic,
    otel_current,
    otel_old_attributes,
    otel_old_events,
    traceloop,
    traceloop_anthropic,
    vercel_4,
    vercel_4_anthropic,
    vercel_5,
    vercel_5_anthropic,
    vercel_6,
    vercel_6_anthropic,
    vercel_7,
    vercel_7_anthropic,
}
