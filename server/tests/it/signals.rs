//! Logs and metrics through the whole server: what a sender said is what the API gives back, to the last bit.

use brokle_testkit::server::Server;
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::harness::{VISIBLE_WITHIN, observations, server_and_tenant};

/// Now, `seconds` ago, as OTLP/JSON writes it.
fn ago(seconds: u64) -> String {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    (u64::try_from(since.as_nanos()).unwrap() - seconds * 1_000_000_000).to_string()
}

async fn send(server: &Server, tenant: &Tenant, signal: &str, body: &Value) -> Value {
    let request = Client::new()
        .post(format!("{}/v1/{signal}", server.url()))
        .header("x-api-key", &tenant.key)
        .json(body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

/// The body of a `GET` once it is there and `is_whole`.
pub(crate) async fn export(tenant: &Tenant, path: &str, is_whole: impl Fn(&Value) -> bool) -> Value {
    wait::until(&format!("{path} is whole"), VISIBLE_WITHIN, || async {
        let (status, body) = tenant.get(path).await.unwrap();
        (status == StatusCode::OK && is_whole(&body)).then_some(body)
    })
    .await
    .unwrap()
}

/// Attributes are a set: sorted, two of them can be compared.
fn normalised(mut value: Value) -> Value {
    match &mut value {
        Value::Array(items) => {
            let mut sorted: Vec<Value> = items.drain(..).map(normalised).collect();
            if sorted.iter().all(|item| item.get("key").is_some()) {
                sorted.sort_by_key(|item| item["key"].to_string());
            }
            Value::Array(sorted)
        }
        Value::Object(fields) => fields
            .iter_mut()
            .map(|(key, value)| (key.clone(), normalised(value.take())))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        _ => value,
    }
}

fn every_kind_of_attribute() -> Value {
    json!([
        {"key": "text", "value": {"stringValue": "a\u{0}\"\\"}},
        {"key": "empty", "value": {"stringValue": ""}},
        {"key": "int", "value": {"intValue": "-9223372036854775808"}},
        {"key": "double", "value": {"doubleValue": -0.0}},
        {"key": "not a number", "value": {"doubleValue": "NaN"}},
        {"key": "bool", "value": {"boolValue": false}},
        {"key": "bytes", "value": {"bytesValue": "AP8="}},
        {"key": "nothing", "value": {}},
        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "two"}, {}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": true}}]}}},
    ])
}

fn resource() -> Value {
    json!({
        "attributes": [
            {"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "process.pid", "value": {"intValue": "42"}},
        ],
        "droppedAttributesCount": 1,
        "entityRefs": [{"schemaUrl": "https://e", "type": "service", "idKeys": ["service.name"]}],
    })
}

fn scope() -> Value {
    json!({
        "name": "lib", "version": "1.2", "attributes": [{"key": "s", "value": {"doubleValue": 0.5}}],
        "droppedAttributesCount": 2,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn log_records_come_back_exactly_as_they_were_sent() {
    let (server, tenant) = server_and_tenant().await;
    let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let records = json!([
        {
            "timeUnixNano": ago(50), "observedTimeUnixNano": ago(49), "severityNumber": 17,
            "severityText": "Error", "body": {"stringValue": "payment refused: card expired"},
            "attributes": every_kind_of_attribute(), "droppedAttributesCount": 3, "flags": 1,
            "traceId": trace, "spanId": span, "eventName": "payment.failed",
        },
        {"timeUnixNano": ago(40), "severityNumber": 9, "body": {"kvlistValue": {"values": [
            {"key": "deep", "value": {"arrayValue": {"values": [{"doubleValue": 1.5}]}}},
        ]}}},
        {"observedTimeUnixNano": ago(30), "body": {}},
        {"timeUnixNano": ago(20)},
        // Two that are equal are two.
        {"timeUnixNano": "1", "observedTimeUnixNano": "1", "body": {"intValue": "7"}},
        {"timeUnixNano": ago(10), "body": {"bytesValue": "AAEC"}, "traceId": trace},
    ]);
    let mut records = records.as_array().unwrap().clone();
    // The record of 1970 is older than logs are kept.
    let expired = records.remove(4);
    let twin = json!({"timeUnixNano": ago(5), "body": {"stringValue": "again"}});
    records.extend([twin.clone(), twin]);
    let groups = |records: Vec<Value>| {
        json!({"resourceLogs": [{
            "resource": resource(),
            "scopeLogs": [{"scope": scope(), "logRecords": records, "schemaUrl": "https://s"}],
            "schemaUrl": "https://r",
        }]})
    };
    let mut sent = records.clone();
    sent.insert(2, expired);
    let answer = send(&server, &tenant, "logs", &groups(sent)).await;
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "1");

    let count = |body: &Value| {
        body["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
            .as_array()
            .map(Vec::len)
    };
    let path = "/api/v1/analytics/log-records/otlp";
    let exported = export(&tenant, path, |body| count(body) == Some(records.len())).await;
    assert_eq!(normalised(exported), normalised(groups(records)));

    let listed = tenant
        .data("/api/v1/analytics/log-records?severity=error&service=shop&text=card%20EXPIRED")
        .await
        .unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &listed[0]["severity"],
            &listed[0]["body"],
            &listed[0]["event_name"]
        ),
        (
            &json!("error"),
            &json!("payment refused: card expired"),
            &json!("payment.failed")
        )
    );
    let of_trace = tenant
        .data(&format!("/api/v1/analytics/traces/{trace}/log-records"))
        .await
        .unwrap();
    assert_eq!(of_trace.as_array().unwrap().len(), 2);
    let of_span = tenant
        .data(&format!(
            "/api/v1/analytics/traces/{trace}/log-records?observation_id={span}"
        ))
        .await
        .unwrap();
    assert_eq!(of_span.as_array().unwrap().len(), 1);
}

/// One metric of each kind, and its data's key.
fn metrics_of_every_kind() -> Vec<(&'static str, Value)> {
    let times = json!({"startTimeUnixNano": ago(90), "timeUnixNano": ago(60), "attributes": every_kind_of_attribute()});
    let point = |fields: Value| {
        let mut point = times.clone();
        point
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        point
    };
    let exemplars = json!([
        {"filteredAttributes": [{"key": "user", "value": {"stringValue": "u"}}], "timeUnixNano": ago(61),
            "asDouble": 0.25, "spanId": "b7ad6b7169203331", "traceId": "0af7651916cd43dd8448eb211c80319c"},
        {"timeUnixNano": ago(62), "asInt": "-3"},
    ]);
    vec![
        (
            "gauge",
            json!({"name": "a.gauge", "description": "d", "unit": "{x}",
            "metadata": [{"key": "m", "value": {"boolValue": true}}],
            "gauge": {"dataPoints": [
                point(json!({"asDouble": -0.0, "flags": 1, "exemplars": exemplars})),
                {"timeUnixNano": ago(59), "asInt": "9007199254740993"},
                {"timeUnixNano": ago(58)},
            ]}}),
        ),
        (
            "sum",
            json!({"name": "a.sum/with a slash", "unit": "By", "sum": {
            "aggregationTemporality": 2, "isMonotonic": true,
            "dataPoints": [point(json!({"asInt": "-1"})), {"timeUnixNano": ago(57), "asDouble": "Infinity"}]}}),
        ),
        (
            "histogram",
            json!({"name": "a.histogram", "histogram": {"aggregationTemporality": 1, "dataPoints": [
                point(json!({"count": "6", "sum": 0.0, "min": -1.5, "max": 0.0,
                    "bucketCounts": ["1", "2", "3"], "explicitBounds": [0.5, 1.5], "exemplars": exemplars})),
                {"timeUnixNano": ago(56), "count": "1"},
            ]}}),
        ),
        (
            "exponentialHistogram",
            json!({"name": "a.exponential", "exponentialHistogram": {
            "aggregationTemporality": 2, "dataPoints": [
                point(json!({"count": "9", "sum": 12.5, "scale": -3, "zeroCount": "2", "zeroThreshold": 0.125,
                    "positive": {"offset": -4, "bucketCounts": ["1", "0", "18446744073709551615"]},
                    "negative": {}, "min": 1.0, "max": 2.0, "exemplars": exemplars})),
                {"timeUnixNano": ago(55)},
            ]}}),
        ),
        (
            "summary",
            json!({"name": "a.summary", "summary": {"dataPoints": [
                point(json!({"count": "4", "sum": 10.0,
                    "quantileValues": [{"value": 1.0}, {"quantile": 0.5, "value": 2.0}, {"quantile": 1.0, "value": 9.5}]})),
            ]}}),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_of_every_kind_come_back_exactly_as_they_were_sent() {
    let (server, tenant) = server_and_tenant().await;
    let groups = |metrics: &[Value]| {
        json!({"resourceMetrics": [{
            "resource": resource(),
            "scopeMetrics": [{"scope": scope(), "metrics": metrics, "schemaUrl": "https://s"}],
            "schemaUrl": "https://r",
        }]})
    };
    let metrics = metrics_of_every_kind();
    let all: Vec<Value> = metrics.iter().map(|(_, metric)| metric.clone()).collect();
    assert_eq!(send(&server, &tenant, "metrics", &groups(&all)).await, json!({}));
    for (key, metric) in &metrics {
        let name = metric["name"]
            .as_str()
            .unwrap()
            .replace('/', "%2F")
            .replace(' ', "%20");
        let points = |metric: &Value| metric[*key]["dataPoints"].as_array().map_or(0, Vec::len);
        let path = format!("/api/v1/analytics/metrics/{name}/otlp");
        let found = |body: &Value| points(&body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]);
        let mut exported = export(&tenant, &path, |body| found(body) == points(metric)).await;
        // Points come back by series: their order within the metric means nothing.
        let by_time = |point: &Value| point["timeUnixNano"].as_str().unwrap().to_owned();
        let data = &mut exported["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0][*key];
        data["dataPoints"].as_array_mut().unwrap().sort_by_key(by_time);
        assert_eq!(
            normalised(exported),
            normalised(groups(std::slice::from_ref(metric))),
            "{key}"
        );
    }
    let names = tenant.data("/api/v1/analytics/metrics?text=a.").await.unwrap();
    let kinds: Vec<(&str, &str)> = names
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["name"].as_str().unwrap(), entry["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("a.exponential", "exponential_histogram"),
            ("a.gauge", "gauge"),
            ("a.histogram", "histogram"),
            ("a.sum/with a slash", "sum"),
            ("a.summary", "summary"),
        ]
    );
    let chart = tenant
        .data("/api/v1/analytics/metrics/a.histogram/series?aggregation=count&group_by=text,service.name")
        .await
        .unwrap();
    let total: f64 = chart["series"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|line| line["points"].as_array().unwrap())
        .map(|point| point["value"].as_f64().unwrap())
        .sum();
    assert!((total - 7.0).abs() < 1e-9, "{chart}");
    assert_eq!(chart["series"][0]["attributes"]["service.name"], "shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_all_items_adds_up_for_every_signal() {
    let (server, tenant) = server_and_tenant().await;
    let log = |text: &str| json!({"timeUnixNano": ago(5), "body": {"stringValue": text}});
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [log("a"), log("b")]}]}]});
    let point = json!({"timeUnixNano": ago(5), "asInt": "1"});
    let metric = json!({"name": "m", "gauge": {"dataPoints": [point.clone(), point.clone(), point]}});
    let metrics = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]});
    send(&server, &tenant, "logs", &logs).await;
    send(&server, &tenant, "metrics", &metrics).await;
    let figures = wait::until("everything is stored", VISIBLE_WITHIN, || async {
        let text = Client::new()
            .get(format!("{}/metrics", server.url()))
            .send()
            .await
            .ok()?
            .text()
            .await
            .ok()?;
        let of = |name: &str, signal: &str| -> u64 {
            let start = format!("brokle_ingest_{name}{{signal=\"{signal}\"}} ");
            let line = text.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
            line.trim_end_matches(".0").parse().unwrap()
        };
        let signals = ["traces", "logs", "metrics"].map(|signal| {
            let accepted = of("accepted_items_total", signal);
            let others = [
                of("stored_items_total", signal),
                of("waiting_items", signal),
                of("dead_lettered_items_total", signal),
                of("refused_later_items_total", signal),
            ];
            assert_eq!(accepted, others.iter().sum::<u64>(), "{signal}: {others:?}");
            (accepted, others[0])
        });
        signals
            .iter()
            .all(|(accepted, stored)| accepted == stored)
            .then_some(signals)
    })
    .await
    .unwrap();
    assert_eq!(figures, [(0, 0), (2, 2), (3, 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_came_as_log_records_is_shown_on_its_observation() {
    let (server, tenant) = server_and_tenant().await;
    let (trace, old, current) = (
        "1af7651916cd43dd8448eb211c80319c",
        "17ad6b7169203331",
        "27ad6b7169203331",
    );
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = |id: &str, name: &str| {
        json!({"traceId": trace, "spanId": id, "name": name, "kind": 3,
            "startTimeUnixNano": ago(20), "endTimeUnixNano": ago(10),
            "attributes": [text("gen_ai.operation.name", "chat"), text("gen_ai.request.model", "gpt-4o")]})
    };
    let spans =
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [span(old, "old"), span(current, "current")]}]}]});
    send(&server, &tenant, "traces", &spans).await;

    let map = |entries: Vec<Value>| json!({"kvlistValue": {"values": entries}});
    let event = |at: u64, name: &str, body: Value| {
        json!({"timeUnixNano": ago(at), "traceId": trace, "spanId": old, "body": body,
            "attributes": [text("gen_ai.system", "openai"), text("event.name", name)]})
    };
    let message = map(vec![text("content", "Hello!"), text("role", "assistant")]);
    let choice = map(vec![
        json!({"key": "index", "value": {"intValue": "0"}}),
        text("finish_reason", "stop"),
        json!({"key": "message", "value": message}),
    ]);
    let details = json!({
        "timeUnixNano": ago(12), "traceId": trace, "spanId": current,
        "eventName": "gen_ai.client.inference.operation.details",
        "attributes": [
            text("gen_ai.input.messages", r#"[{"role":"user","parts":[{"type":"text","content":"Capital of France?"}]}]"#),
            text("gen_ai.output.messages",
                r#"[{"role":"assistant","parts":[{"type":"text","content":"Paris."}],"finish_reason":"stop"}]"#),
        ],
    });
    let records = json!([
        event(
            19,
            "gen_ai.system.message",
            map(vec![text("content", "Be brief.")])
        ),
        event(
            18,
            "gen_ai.user.message",
            map(vec![text("content", "Say hello.")])
        ),
        event(17, "gen_ai.choice", choice),
        details,
    ]);
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    send(&server, &tenant, "logs", &logs).await;
    observations(&tenant, trace, 2).await;

    let found = wait::until("the conversation is shown", VISIBLE_WITHIN, || async {
        let found = tenant.observations(trace).await?;
        found
            .iter()
            .all(|observation| !observation["output"].is_null())
            .then_some(found)
    })
    .await
    .unwrap();
    let said = |name: &str, side: &str| -> Vec<(String, String)> {
        let observation = found
            .iter()
            .find(|observation| observation["name"] == name)
            .unwrap();
        let messages = observation[side].as_array().unwrap().iter();
        let pair = |message: &Value| {
            (
                message["role"].as_str().unwrap().to_owned(),
                message["parts"][0]["content"].as_str().unwrap().to_owned(),
            )
        };
        messages.map(pair).collect()
    };
    let pair = |role: &str, content: &str| (role.to_owned(), content.to_owned());
    assert_eq!(
        said("old", "input"),
        [pair("system", "Be brief."), pair("user", "Say hello.")]
    );
    assert_eq!(said("old", "output"), [pair("assistant", "Hello!")]);
    assert_eq!(said("current", "input"), [pair("user", "Capital of France?")]);
    assert_eq!(said("current", "output"), [pair("assistant", "Paris.")]);
}

/// Moves every time of a recording by the same nanoseconds.
fn moved(mut value: Value, by: i128) -> Value {
    match &mut value {
        Value::Array(items) => items.iter_mut().for_each(|item| *item = moved(item.take(), by)),
        Value::Object(fields) => {
            for (key, value) in fields {
                let is_time = key.ends_with("UnixNano");
                let time = value
                    .as_str()
                    .filter(|_| is_time)
                    .map(|text| text.parse::<i128>().unwrap());
                *value = match time {
                    Some(time) => json!((time + by).to_string()),
                    None => moved(value.take(), by),
                };
            }
        }
        _ => {}
    }
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_producer_of_events_shows_its_conversations() {
    let (server, tenant) = server_and_tenant().await;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../testkit/fixtures/producers/otel_old_events.json");
    let recording: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    // What the recorder's clock showed.
    let recorded: i128 = 1_795_348_800_000_000_000;
    let by = ago(60).parse::<i128>().unwrap() - recorded;
    for signal in ["traces", "logs"] {
        for request in recording[signal].as_array().unwrap() {
            let answer = send(&server, &tenant, signal, &moved(request.clone(), by)).await;
            assert_eq!(answer, json!({}));
        }
    }
    let found = wait::until("every conversation is shown", VISIBLE_WITHIN, || async {
        let found = tenant.observations("00000000000000000000000000000001").await?;
        let calls: Vec<Value> = found
            .into_iter()
            .filter(|observation| observation["type"] == "generation")
            .collect();
        let is_whole = calls.len() == 3 && calls.iter().all(|call| !call["output"].is_null());
        is_whole.then_some(calls)
    })
    .await
    .unwrap();
    let roles = |messages: &Value| -> Vec<String> {
        let messages = messages.as_array().unwrap().iter();
        messages
            .map(|message| message["role"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(roles(&found[1]["input"]), ["system", "user", "assistant", "tool"]);
    assert_eq!(roles(&found[1]["output"]), ["assistant"]);
    assert_eq!(found[0]["input"][0]["parts"][0]["content"], "Be terse.");
}
