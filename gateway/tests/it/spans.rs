//! One trace per call: what each span says.

use serde_json::{Value, json};

use crate::stage::{PROJECT, Stage, attribute, header, parsed, question};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn call_is_one_server_span_and_one_client_span_per_attempt() {
    let extra = "[routes.fast]\ntargets = [{ provider = \"mock\", model = \"mock-503\" }, \
        { provider = \"mock\", model = \"gpt-4o-mini\" }]";
    let stage = Stage::with(extra).await;
    let response = stage.ask("fast").await;
    let trace_id = header(response.headers(), "x-brokle-trace-id").to_owned();
    let spans = stage.trace_of(&response).await;
    assert_eq!(
        spans.iter().map(|span| span.kind).collect::<Vec<_>>(),
        [2, 3, 3, 3]
    );
    let (server, attempts) = spans.split_first().unwrap();
    assert_eq!(
        (server.name.as_str(), server.parent_span_id.len(), server.flags),
        ("chat fast", 0, 0x101)
    );
    assert_eq!(attribute(server, "http.response.status_code"), 200);
    assert_eq!(attribute(server, "brokle.gateway.route"), "fast");
    assert_eq!(attribute(server, "brokle.gateway.strategy"), "priority");
    assert_eq!(attribute(server, "brokle.gateway.attempts"), 3);
    for (number, attempt) in attempts.iter().enumerate() {
        assert_eq!(attempt.parent_span_id, server.span_id);
        assert_eq!(hex::encode(&attempt.trace_id), trace_id);
        assert_eq!(attempt.flags, 0x101);
        assert_eq!(attribute(attempt, "brokle.gateway.attempt"), number + 1);
        assert!(attempt.start_time_unix_nano >= server.start_time_unix_nano);
        assert!(attempt.end_time_unix_nano <= server.end_time_unix_nano);
    }
    assert_eq!(
        server.start_time_unix_nano, 1_800_000_000_000_000_000,
        "the clock's time"
    );
    assert_eq!(attribute(&attempts[0], "http.response.status_code"), 503);
    assert_eq!(attribute(&attempts[0], "error.type"), "provider_error");
    assert_eq!(attempts[0].status.as_ref().unwrap().code, 2);
    assert_eq!(
        (attempts[2].name.as_str(), &attempts[2].status),
        ("chat gpt-4o-mini", &None)
    );
    let submission = stage.sink.first().await;
    assert_eq!(submission.project, PROJECT);
}

#[tokio::test]
async fn tokens_and_model_are_on_the_attempt_and_nowhere_else() {
    let stage = Stage::new().await;
    let response = stage.ask("mock/gpt-4o-mini").await;
    let spans = stage.trace_of(&response).await;
    let usage = response.json::<Value>().await.unwrap()["usage"].clone();
    assert_eq!(
        attribute(&spans[1], "gen_ai.usage.input_tokens"),
        usage["prompt_tokens"]
    );
    assert_eq!(
        attribute(&spans[1], "gen_ai.usage.output_tokens"),
        usage["completion_tokens"]
    );
    let counted = |key: &str| {
        key.starts_with("gen_ai.usage.") || key.starts_with("gen_ai.re") || key == "gen_ai.operation.name"
    };
    assert!(
        !spans[0]
            .attributes
            .iter()
            .any(|attribute| counted(&attribute.key))
    );
}

#[tokio::test]
async fn attempt_carries_the_conventions_attributes() {
    let stage = Stage::new().await;
    let mut body = question("mock/mock-reason");
    body["messages"][0]["content"] = json!("a long question ".repeat(40));
    for (field, value) in [
        ("temperature", json!(0.5)),
        ("top_p", json!(1)),
        ("max_completion_tokens", json!(99)),
        ("seed", json!(7)),
        ("stop", json!("END")),
        ("response_format", json!({ "type": "json_object" })),
    ] {
        body[field] = value;
    }
    let response = stage.send(&body).await;
    let spans = stage.trace_of(&response).await;
    let usage = response.json::<Value>().await.unwrap()["usage"].clone();
    let attempt = &spans[1];
    for (key, value) in [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.provider.name", json!("mock")),
        ("gen_ai.request.model", json!("mock-reason")),
        ("gen_ai.request.stream", json!(false)),
        ("gen_ai.request.temperature", json!(0.5)),
        ("gen_ai.request.top_p", json!(1.0)),
        ("gen_ai.request.max_tokens", json!(99)),
        ("gen_ai.request.seed", json!(7)),
        ("gen_ai.request.stop_sequences", json!(["END"])),
        ("gen_ai.output.type", json!("json")),
        ("gen_ai.response.model", json!("mock-reason")),
        ("gen_ai.response.id", json!("chatcmpl-fake-0")),
        ("gen_ai.response.finish_reasons", json!(["stop"])),
        (
            "gen_ai.usage.cache_read.input_tokens",
            usage["prompt_tokens_details"]["cached_tokens"].clone(),
        ),
        (
            "gen_ai.usage.reasoning.output_tokens",
            usage["completion_tokens_details"]["reasoning_tokens"].clone(),
        ),
        ("http.response.status_code", json!(200)),
        ("server.address", json!("127.0.0.1")),
        ("server.port", json!(stage.provider.address().port())),
        ("brokle.upstream.request_id", json!("req_fake")),
    ] {
        assert_eq!(attribute(attempt, key), value, "{key}");
    }
}

#[tokio::test]
async fn streamed_attempt_says_when_its_first_piece_came() {
    let stage = Stage::new().await;
    let stream = stage.stream("mock/mock-slow").await;
    let spans = stage.sink.trace(stream.trace_id()).await;
    let first = attribute(&spans[1], "gen_ai.response.time_to_first_chunk")
        .as_f64()
        .unwrap();
    let total = (spans[1].end_time_unix_nano - spans[1].start_time_unix_nano) as f64 / 1e9;
    assert!(first >= 0.2 && first < total, "{first} of {total}");
    assert_eq!(attribute(&spans[1], "gen_ai.request.stream"), true);
}

#[tokio::test]
async fn callers_trace_is_continued_and_passed_on() {
    let stage = Stage::new().await;
    let request = stage.post(question("mock/mock-a").to_string());
    let request = request
        .header("traceparent", PARENT)
        .header("tracestate", "vendor=1")
        .header("tracestate", "b=2");
    let response = request.send().await.unwrap();
    assert_eq!(
        header(response.headers(), "x-brokle-trace-id"),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    let spans = stage.trace_of(&response).await;
    assert_eq!(hex::encode(&spans[0].parent_span_id), "00f067aa0ba902b7");
    assert_eq!((spans[0].flags, spans[1].flags), (0x301, 0x101));
    assert!(spans.iter().all(|span| span.trace_state == "vendor=1,b=2"));
    let seen = &stage.provider.requests()[0];
    let expected = format!(
        "00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01",
        hex::encode(&spans[1].span_id)
    );
    assert_eq!(
        (seen.header("traceparent"), seen.header("tracestate")),
        (expected.as_str(), "vendor=1,b=2")
    );
}

#[tokio::test]
async fn conversation_is_recorded_in_parts_with_a_line_for_lists() {
    let stage = Stage::new().await;
    let response = stage.ask("mock/mock-a").await;
    let spans = stage.trace_of(&response).await;
    let input = parsed(&spans[1], "gen_ai.input.messages");
    assert_eq!(
        input,
        json!([{ "role": "user", "parts": [{ "type": "text", "content": "hello" }] }])
    );
    let output = parsed(&spans[1], "gen_ai.output.messages");
    assert_eq!(
        (&output[0]["role"], &output[0]["finish_reason"]),
        (&json!("assistant"), &json!("stop"))
    );
    assert_eq!(attribute(&spans[0], "input.value"), "hello");
    assert_eq!(
        attribute(&spans[0], "output.value"),
        output[0]["parts"][0]["content"]
    );
}

#[tokio::test]
async fn user_session_and_metadata_come_from_the_body_or_the_headers() {
    let stage = Stage::new().await;
    let mut body = question("mock/mock-a");
    body["user"] = json!("body-user");
    body["metadata"] = json!({ "session_id": "s-1", "trace_name": "greeting", "tags": "a, b", "team": "x" });
    let response = stage.send(&body).await;
    let spans = stage.trace_of(&response).await;
    for span in &spans {
        assert_eq!(attribute(span, "user.id"), "body-user");
        assert_eq!(attribute(span, "gen_ai.conversation.id"), "s-1");
    }
    assert_eq!(attribute(&spans[0], "brokle.trace.name"), "greeting");
    assert_eq!(attribute(&spans[0], "brokle.trace.tags"), json!(["a", "b"]));
    assert_eq!(parsed(&spans[0], "brokle.trace.metadata"), json!({ "team": "x" }));

    let request = stage
        .post(body.to_string())
        .header("x-user-id", "header-user")
        .header("x-session-id", "s-2");
    let response = request.header("x-environment", "staging").send().await.unwrap();
    let spans = stage.trace_of(&response).await;
    assert_eq!(attribute(&spans[0], "user.id"), "header-user");
    assert_eq!(attribute(&spans[1], "gen_ai.conversation.id"), "s-2");
    assert_eq!(stage.sink.submissions()[1].environment, "staging");
}
