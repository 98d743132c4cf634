//! The SDK routes: what is said in any order comes back as it was said, in every list and chart.

use brokle_model::clock::{Clock as _, SystemClock};
use brokle_testkit::otlp;
use brokle_testkit::tenant::Tenant;
use brokle_testkit::wait;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{VISIBLE_WITHIN, named, observations, server_and_tenant};

/// Calls a route with the tenant's key; gives status and body.
pub(crate) async fn call(tenant: &Tenant, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Client::new()
        .request(method, format!("{}{path}", tenant.url))
        .header("x-api-key", &tenant.key)
        .json(body);
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap_or(Value::Null))
}

/// The `data` of a call that must succeed.
pub(crate) async fn said(tenant: &Tenant, method: Method, path: &str, body: &Value) -> Value {
    let (status, mut answer) = call(tenant, method.clone(), path, body).await;
    assert!(status.is_success(), "{method} {path}: {status} {answer}");
    assert_eq!(answer["success"], true);
    answer["data"].take()
}

pub(crate) fn at(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// The trace, once it is as `holds` says.
pub(crate) async fn trace_when(
    tenant: &Tenant,
    trace_id: &str,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> Value {
    wait::until(what, VISIBLE_WITHIN, || async {
        tenant.trace(trace_id).await.filter(|trace| holds(trace))
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_any_order_comes_back_as_it_was_said() {
    let (_server, tenant) = server_and_tenant().await;
    let start = SystemClock.now() - Duration::seconds(5);
    let end = start + Duration::milliseconds(1_250);
    // The end before the beginning, the child before its parent, and all of it before the trace.
    let completion = json!({
        "end_time": at(end), "output": "Paris.", "prompt_tokens": 1000, "completion_tokens": 100,
    });
    said(
        &tenant,
        Method::POST,
        "/v1/observations/call-1/complete",
        &completion,
    )
    .await;
    let child = json!({
        "trace_id": "order 17", "external_observation_id": "call-1", "type": "llm", "name": "chat",
        "parent_observation_id": "step-1", "start_time": at(start), "model": "gpt-4o-mini", "provider": "openai",
        "input": [{"role": "user", "content": "What is the capital of France?"}],
        "model_parameters": {"temperature": 0.5},
    });
    let child = said(&tenant, Method::POST, "/v1/observations", &child).await;
    assert_eq!(child["external_observation_id"], "call-1");
    let parent = json!({
        "trace_id": "order 17", "external_observation_id": "step-1", "type": "chain", "name": "answer",
        "start_time": at(start - Duration::milliseconds(10)), "end_time": at(end),
    });
    let parent = said(&tenant, Method::POST, "/v1/observations", &parent).await;
    let created = json!({
        "external_trace_id": "order 17", "name": "checkout", "user_id": "u-1", "session_id": "s-1",
        "tags": {"tier": "gold"}, "metadata": {"cart": 3}, "timestamp": at(start - Duration::milliseconds(20)),
    });
    let created = said(&tenant, Method::POST, "/v1/traces", &created).await;
    assert_eq!(created["external_trace_id"], "order 17");
    let trace_id = created["id"].as_str().unwrap().to_owned();
    said(
        &tenant,
        Method::PUT,
        "/v1/traces/order%2017",
        &json!({"metadata": {"paid": true}, "user_id": "u-2"}),
    )
    .await;

    let trace = trace_when(&tenant, &trace_id, "the trace is whole", |trace| {
        trace["observation_count"] == 2 && trace["user_id"] == "u-2"
    })
    .await;
    assert_eq!(
        (&trace["name"], &trace["session_id"]),
        (&json!("checkout"), &json!("s-1"))
    );
    assert_eq!(trace["tags"], json!(["tier:gold"]));
    assert_eq!(trace["metadata"], json!({"cart": "3", "paid": "true"}));
    assert_eq!(trace["usage"]["input_tokens"], 1000);
    // 1000 tokens at 0.15 and 100 at 0.60 USD per million.
    assert_eq!(trace["total_cost"], "0.00021");
    assert_eq!(trace["duration_ms"], 1260.0);

    let observations = observations(&tenant, &trace_id, 2).await;
    assert_eq!(observations.len(), 2, "the trace itself is no observation");
    let call_row = named(&observations, "chat");
    assert_eq!(call_row["observation_id"], child["id"]);
    assert_eq!(call_row["parent_observation_id"], parent["id"]);
    assert_eq!(
        (&call_row["type"], &call_row["model"]),
        (&json!("generation"), &json!("gpt-4o-mini"))
    );
    assert_eq!(call_row["output"], "Paris.");
    assert_eq!(
        call_row["input"][0]["parts"][0]["content"],
        "What is the capital of France?"
    );
    assert_eq!(call_row["duration_ms"], 1250.0);
    assert_eq!(call_row["attributes"]["gen_ai.request.temperature"], 0.5);

    let read = said(&tenant, Method::GET, "/v1/observations/call-1", &Value::Null).await;
    assert_eq!(read["output"], "Paris.");
    assert_eq!(
        (&read["prompt_tokens"], &read["trace_id"]),
        (&json!(1000), &json!(trace_id))
    );
    let read = said(&tenant, Method::GET, "/v1/traces/order%2017", &Value::Null).await;
    assert_eq!(read["metadata"], json!({"cart": 3, "paid": true}));
    assert_eq!(read["tags"], json!({"tier": "gold"}));

    let listed = tenant
        .data("/api/v1/analytics/traces?filter=name:checkout")
        .await
        .unwrap();
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["trace_id"]),
        (1, &json!(trace_id))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_came_by_otlp_can_be_named_and_deleted() {
    let (server, tenant) = server_and_tenant().await;
    let now = u64::try_from(SystemClock.now().timestamp_nanos_opt().unwrap()).unwrap();
    let send = |trace: u8, name: &str| {
        let span = otlp::root_span([trace; 16], [trace; 8], name, now - 3_000_000_000);
        let request = Client::new()
            .post(format!("{}/v1/traces", server.url()))
            .header("x-api-key", &tenant.key)
            .header("content-type", "application/x-protobuf")
            .body(otlp::request(vec![span]));
        async { assert_eq!(request.send().await.unwrap().status(), StatusCode::OK) }
    };
    let (first, second) = ("07".repeat(16), "08".repeat(16));
    // One is named after it came, the other before.
    send(7, "old name").await;
    observations(&tenant, &first, 1).await;
    let facts = json!({"name": "new name", "user_id": "u-9", "tags": ["vip"], "metadata": {"plan": "pro"}});
    for trace in [&first, &second] {
        said(&tenant, Method::PUT, &format!("/v1/traces/{trace}"), &facts).await;
    }
    send(8, "old name").await;
    for trace in [&first, &second] {
        let found = trace_when(&tenant, trace, "the trace has its new name", |trace| {
            trace["name"] == "new name" && trace["observation_count"] == 1
        })
        .await;
        assert_eq!(
            (&found["user_id"], &found["tags"]),
            (&json!("u-9"), &json!(["vip"]))
        );
        assert_eq!(found["metadata"], json!({"plan": "pro"}));
        assert_eq!(observations(&tenant, trace, 1).await.len(), 1);
    }
    let names = |filter: &'static str| {
        let tenant = &tenant;
        async move {
            let listed = tenant
                .data(&format!("/api/v1/analytics/traces?filter={filter}"))
                .await
                .unwrap();
            let traces = listed.as_array().unwrap().iter();
            traces
                .map(|trace| trace["trace_id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(names("user:u-9").await.len(), 2);
    assert!(names("name:%22new%20name%22").await.contains(&first));
    assert!(names("name:%22old%20name%22").await.is_empty());
    let users = tenant.data("/api/v1/analytics/users").await.unwrap();
    let users = users.to_string();
    assert!(users.contains("u-9"), "{users}");

    let (status, _) = call(
        &tenant,
        Method::DELETE,
        &format!("/v1/traces/{first}"),
        &Value::Null,
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    wait::until("the trace is gone", VISIBLE_WITHIN, || async {
        tenant.trace(&first).await.is_none().then_some(())
    })
    .await
    .unwrap();
    assert_eq!(names("").await, [second]);
    let overview = tenant.data("/api/v1/analytics/overview").await.unwrap();
    assert_eq!(overview["totals"]["traces"], 1, "{overview}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_is_wrong_and_a_batch_keeps_what_is_right() {
    let (_server, tenant) = server_and_tenant().await;
    for (method, path, body, field) in [
        (Method::POST, "/v1/traces", json!({"user_id": "u"}), "name"),
        (Method::POST, "/v1/observations", json!({"name": "n"}), "trace_id"),
        (
            Method::POST,
            "/v1/observations",
            json!({"name": "n", "trace_id": "t", "type": "poem"}),
            "type",
        ),
        (
            Method::POST,
            "/v1/observations",
            json!({"name": "n", "trace_id": "t", "prompt_tokens": -1}),
            "prompt_tokens",
        ),
        (
            Method::POST,
            "/v1/observations",
            json!({"name": "n", "trace_id": "t", "start_time": "yesterday"}),
            "start_time",
        ),
        (
            Method::POST,
            "/v1/observations",
            json!({"name": "n", "trace_id": "t", "start_time": "2001-01-01T00:00:00Z"}),
            "start_time",
        ),
        (
            Method::POST,
            "/v1/quality-scores",
            json!({"score_name": "s", "score_value": 1}),
            "trace_id",
        ),
        (
            Method::POST,
            "/v1/quality-scores",
            json!({"score_name": "s", "trace_id": "t", "data_type": "BOOLEAN", "score_value": 2}),
            "score_value",
        ),
        (
            Method::POST,
            "/v1/quality-scores",
            json!({"score_name": "s", "trace_id": "t", "data_type": "CATEGORICAL"}),
            "score_value",
        ),
        (Method::PUT, "/v1/traces/t", json!({"tags": 7}), "tags"),
        (Method::POST, "/v1/traces/batch", json!({"traces": []}), "traces"),
        (Method::POST, "/v1/events", json!({}), "event_type"),
    ] {
        let (status, answer) = call(&tenant, method, path, &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}: {answer}");
        assert_eq!(
            answer["error"]["details"]["field"], field,
            "{path} {body}: {answer}"
        );
    }
    let batch = json!({"traces": [{"name": "good", "external_trace_id": "g"}, {"user_id": "nameless"}]});
    let answer = said(&tenant, Method::POST, "/v1/traces/batch", &batch).await;
    assert_eq!(
        (&answer["processed_count"], &answer["errors"][0]["index"]),
        (&json!(1), &json!(1))
    );
    let good = answer["traces"][0]["id"].as_str().unwrap();
    let trace = trace_when(&tenant, good, "a trace without observations is there", |_| true).await;
    assert_eq!(
        (&trace["name"], &trace["observation_count"]),
        (&json!("good"), &json!(0))
    );
    let path = format!("/api/v1/analytics/traces/{good}/observations");
    assert_eq!(tenant.data(&path).await.unwrap(), json!([]));

    let without_key = Client::new()
        .post(format!("{}/v1/observations", tenant.url))
        .json(&json!({}));
    assert_eq!(
        without_key.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let (status, _) = call(&tenant, Method::GET, "/v1/traces/nobody", &Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_are_listed_and_shown_where_they_belong() {
    let (_server, tenant) = server_and_tenant().await;
    let observation =
        json!({"trace_id": "t", "external_observation_id": "o", "name": "call", "quality_score": 0.75});
    let observation = said(&tenant, Method::POST, "/v1/observations", &observation).await;
    let (trace_id, span_id) = (observation["trace_id"].as_str().unwrap(), &observation["id"]);
    for body in [
        json!({"id": "s-1", "trace_id": "t", "score_name": "helpful", "data_type": "NUMERIC", "score_value": 0.4, "source": "API"}),
        json!({"id": "s-2", "trace_id": "t", "observation_id": "o", "score_name": "tone", "data_type": "CATEGORICAL",
            "string_value": "kind", "source": "HUMAN", "author_user_id": "ada", "comment": "warm"}),
        json!({"id": "s-3", "session_id": "s", "score_name": "happy", "data_type": "BOOLEAN", "score_value": true,
            "source": "EVAL", "evaluator_name": "judge", "evaluator_version": "2"}),
        json!({"id": "s-4", "trace_id": "t", "score_name": "gone", "score_value": 1}),
    ] {
        said(&tenant, Method::POST, "/v1/quality-scores", &body).await;
    }
    said(
        &tenant,
        Method::PUT,
        "/v1/quality-scores/s-1",
        &json!({"score_value": 0.9, "comment": "better"}),
    )
    .await;
    said(&tenant, Method::DELETE, "/v1/quality-scores/s-4", &Value::Null).await;
    let trace = trace_when(&tenant, trace_id, "the trace has its score", |trace| {
        trace["scores"]
            .as_array()
            .is_some_and(|scores| scores.len() == 1 && scores[0]["value"] == 0.9)
    })
    .await;
    assert_eq!(
        (&trace["scores"][0]["name"], &trace["scores"][0]["comment"]),
        (&json!("helpful"), &json!("better"))
    );
    let rows = observations(&tenant, trace_id, 1).await;
    let scores = rows[0]["scores"].as_array().unwrap();
    let tone = scores.iter().find(|score| score["name"] == "tone").unwrap();
    assert_eq!(
        (&tone["string_value"], &tone["source"]),
        (&json!("kind"), &json!("human"))
    );
    assert_eq!(&tone["observation_id"], span_id);
    let own = scores
        .iter()
        .find(|score| score["name"] == "quality_score")
        .unwrap();
    assert_eq!(own["value"], 0.75);

    let list = |query: &'static str| {
        let tenant = &tenant;
        async move {
            let listed = tenant
                .data(&format!("/api/v1/analytics/quality-scores{query}"))
                .await
                .unwrap();
            let scores = listed.as_array().unwrap().iter();
            let mut ids: Vec<String> = scores
                .map(|score| score["score_id"].as_str().unwrap().to_owned())
                .collect();
            ids.sort();
            ids
        }
    };
    assert_eq!(list("").await.len(), 4);
    assert_eq!(list("?name=happy").await, ["s-3"]);
    assert_eq!(list("?source=human").await, ["s-2"]);
    assert_eq!(list("?data_type=NUMERIC&name=helpful").await, ["s-1"]);
    assert_eq!(list("?session_id=s").await, ["s-3"]);
    assert_eq!(
        list("?from=2001-01-01T00:00:00Z&to=2001-02-01T00:00:00Z").await,
        Vec::<String>::new()
    );
    let (status, page) = tenant
        .get("/api/v1/analytics/quality-scores?limit=3")
        .await
        .unwrap();
    assert_eq!(
        (status, page["data"].as_array().unwrap().len()),
        (StatusCode::OK, 3)
    );
    let cursor = page["meta"]["pagination"]["next_cursor"].as_str().unwrap();
    let rest = tenant
        .data(&format!(
            "/api/v1/analytics/quality-scores?limit=3&cursor={cursor}"
        ))
        .await
        .unwrap();
    assert_eq!(rest.as_array().unwrap().len(), 1);
    let read = said(&tenant, Method::GET, "/v1/quality-scores/s-1", &Value::Null).await;
    assert_eq!(
        (&read["score_value"], &read["score_name"]),
        (&json!(0.9), &json!("helpful"))
    );

    said(&tenant, Method::DELETE, "/v1/traces/t", &Value::Null).await;
    wait::until("the trace's scores are gone with it", VISIBLE_WITHIN, || async {
        (list("").await == ["s-3"]).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let (mut server, tenant) = server_and_tenant().await;
    let mut ids = Vec::new();
    for number in 0..50 {
        let body = json!({"name": format!("trace {number}"), "external_trace_id": format!("t-{number}")});
        let key = format!("request {number}");
        // Each is sent twice by a caller that says so.
        for _ in 0..2 {
            let request = Client::new()
                .post(format!("{}/v1/traces", tenant.url))
                .header("x-api-key", &tenant.key)
                .header("idempotency-key", &key)
                .json(&body);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::CREATED);
            let answer: Value = response.json().await.unwrap();
            ids.push(answer["data"]["id"].as_str().unwrap().to_owned());
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 50);
    server.kill().unwrap();
    server.restart().await.unwrap();
    let mut tenant = tenant;
    tenant.url = server.url();
    wait::until("all fifty traces are listed", VISIBLE_WITHIN, || async {
        let listed = tenant.data("/api/v1/analytics/traces?limit=200").await.ok()?;
        (listed.as_array()?.len() == 50).then_some(())
    })
    .await
    .unwrap();
    let metrics = Client::new()
        .get(format!("{}/metrics", server.url()))
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    let waiting = "brokle_ingest_waiting_items{signal=\"changes\"} 0";
    assert!(metrics.contains(waiting), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_that_a_span_carries_is_a_score() {
    let (server, tenant) = server_and_tenant().await;
    let now = u64::try_from(SystemClock.now().timestamp_nanos_opt().unwrap()).unwrap();
    let mut span = otlp::root_span([9; 16], [9; 8], "judged", now - 1_000_000_000);
    span.events = vec![opentelemetry_proto::tonic::trace::v1::span::Event {
        time_unix_nano: now - 999_000_000,
        name: "gen_ai.evaluation.result".to_owned(),
        attributes: vec![
            otlp::attribute("gen_ai.evaluation.name", "relevance"),
            otlp::attribute("gen_ai.evaluation.score.label", "relevant"),
            otlp::attribute("gen_ai.evaluation.explanation", "it is"),
        ],
        ..Default::default()
    }];
    for _ in 0..2 {
        let mut resent = span.clone();
        // Not the same bytes, but the same span.
        resent.trace_state = format!("k={}", rand::random::<u16>());
        let request = Client::new()
            .post(format!("{}/v1/traces", server.url()))
            .header("x-api-key", &tenant.key)
            .header("content-type", "application/x-protobuf")
            .body(otlp::request(vec![resent]));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }
    let rows = wait::until("the score is there", VISIBLE_WITHIN, || async {
        let rows = tenant.observations(&"09".repeat(16)).await?;
        (rows[0]["scores"].as_array()?.len() == 1).then_some(rows)
    })
    .await
    .unwrap();
    let score = &rows[0]["scores"][0];
    assert_eq!(
        (&score["name"], &score["string_value"]),
        (&json!("relevance"), &json!("relevant"))
    );
    assert_eq!(
        (&score["data_type"], &score["comment"]),
        (&json!("CATEGORICAL"), &json!("it is"))
    );
}
