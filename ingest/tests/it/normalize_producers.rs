//! Payloads of the instrumentation libraries in use, as they are on the wire, and what each must become.

use brokle_model::conversation;
use serde_json::{Value, json};

use crate::arrow_support::{observe, pick};

const USAGE: [&str; 9] = [
    "type",
    "provider",
    "model",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "counts_usage",
];

/// Type, provider, model, the five counts and whether they count.
fn usage(row: &Value) -> Value {
    USAGE.iter().map(|name| row[*name].clone()).collect()
}

fn parsed(row: &Value, column: &str) -> Value {
    serde_json::from_str(row[column].as_str().unwrap()).unwrap()
}

#[test]
fn current_gen_ai_conventions() {
    let input = r#"[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]"#;
    let output =
        r#"[{"role":"assistant","parts":[{"type":"text","content":"Hello"}],"finish_reason":"stop"}]"#;
    let row = observe(json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 200,
        "gen_ai.usage.cache_read.input_tokens": 400,
        "gen_ai.usage.reasoning.output_tokens": 50,
        "gen_ai.conversation.id": "conversation-1",
        "gen_ai.response.time_to_first_chunk": 0.35,
        "gen_ai.input.messages": input,
        "gen_ai.output.messages": output,
        "user.id": "user-1",
    }));
    assert_eq!(
        usage(&row),
        json!([
            "generation",
            "openai",
            "gpt-4o-mini-2024-07-18",
            1000,
            200,
            400,
            0,
            50,
            true
        ])
    );
    assert_eq!(row["model_requested"], "gpt-4o-mini");
    assert_eq!(
        row["total_cost"], "0.00024",
        "600 at 0.15, 400 at 0.075, 200 at 0.60 per million"
    );
    assert_eq!(
        row["cost_details"],
        json!({"input": "0.00009", "cache_read": "0.00003", "output": "0.00009", "reasoning": "0.00003"})
    );
    assert_eq!(row["cost_source"], 2);
    assert_eq!(row["time_to_first_token_us"], 350_000);
    assert_eq!(
        pick(&row, &["session_id", "user_id"]),
        json!({"session_id": "conversation-1", "user_id": "user-1"})
    );
    assert_eq!(
        (&row["input"], &row["input_source"]),
        (&json!(input), &json!("gen_ai.input.messages"))
    );
    assert_eq!(
        (&row["output"], &row["output_source"]),
        (&json!(output), &json!("gen_ai.output.messages"))
    );
    assert!(
        row["attributes_string"].get("gen_ai.input.messages").is_none(),
        "it moved"
    );
    assert_eq!(
        row["attributes_string"]["gen_ai.request.model"], "gpt-4o-mini",
        "it stayed"
    );
}

#[test]
fn structured_messages_are_shown_as_json_and_stay_where_they_are() {
    let messages = json!([{"role": "user", "parts": [{"type": "text", "content": "Hi \"there\""}]}]);
    let row = observe(json!({"gen_ai.operation.name": "chat", "gen_ai.input.messages": messages}));
    assert_eq!(row["input_source"], "+gen_ai.input.messages");
    assert_eq!(parsed(&row, "input"), messages);
    let kept = row["attributes_other"]["gen_ai.input.messages"].as_str().unwrap();
    assert!(kept.starts_with(r#"{"arrayValue":"#), "{kept}");
}

#[test]
fn old_gen_ai_conventions_with_messages_as_events() {
    use opentelemetry_proto::tonic::trace::v1::span::Event;
    let event = |name: &str, attributes: Value| Event {
        name: name.to_owned(),
        attributes: crate::arrow_support::attributes(attributes),
        ..Event::default()
    };
    let mut span = crate::arrow_support::span(json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "az.ai.openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.prompt_tokens": 12,
        "gen_ai.usage.completion_tokens": 5,
    }));
    span.events = vec![
        event("gen_ai.system.message", json!({"content": "Be terse."})),
        event(
            "gen_ai.user.message",
            json!({"content": "Weather?", "role": "user"}),
        ),
        event("gen_ai.tool.message", json!({"content": "21", "id": "call_1"})),
        event(
            "gen_ai.choice",
            json!({"index": 0, "finish_reason": "stop", "message": r#"{"content":"Mild."}"#}),
        ),
    ];
    let row = crate::arrow_support::observe_span(span);
    assert_eq!(
        usage(&row),
        json!(["generation", "azure.ai.openai", "gpt-4o", 12, 5, 0, 0, 0, true])
    );
    assert_eq!(
        (&row["input_source"], &row["output_source"]),
        (&json!("+events"), &json!("+events"))
    );
    let text =
        |role: &str, content: &str| json!({"role": role, "parts": [{"type": "text", "content": content}]});
    let answer =
        json!({"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "result": "21"}]});
    assert_eq!(
        shown(&row, "input", conversation::Side::Input),
        json!([text("system", "Be terse."), text("user", "Weather?"), answer])
    );
    let mut mild = text("assistant", "Mild.");
    mild["finish_reason"] = json!("stop");
    assert_eq!(shown(&row, "output", conversation::Side::Output), json!([mild]));
}

/// A side as readers will show it.
fn shown(row: &Value, column: &str, side: conversation::Side) -> Value {
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    let content = conversation::read(&text(column), &text(&format!("{column}_source")), side);
    serde_json::to_value(content).unwrap()
}

#[test]
fn open_inference() {
    let row = observe(json!({
        "openinference.span.kind": "LLM",
        "llm.system": "anthropic",
        "llm.provider": "anthropic",
        "llm.model_name": "claude-sonnet-4-5",
        "llm.token_count.prompt": 2000,
        "llm.token_count.completion": 100,
        "llm.token_count.total": 2100,
        "llm.token_count.prompt_details.cache_read": 1500,
        "llm.token_count.prompt_details.cache_write": 100,
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Hi",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "Hello",
        "input.value": "{\"messages\":[]}",
        "input.mime_type": "application/json",
        "output.value": "Hello",
        "session.id": "s",
        "metadata": "{\"team\":\"search\",\"run\":{\"id\":3}}",
        "tag.tags": ["red", "blue"],
    }));
    assert_eq!(
        usage(&row),
        json!([
            "generation",
            "anthropic",
            "claude-sonnet-4-5",
            2000,
            100,
            1500,
            100,
            0,
            true
        ])
    );
    assert_eq!(
        row["total_cost"], "0.003525",
        "400 at 3, 1500 at 0.30, 100 at 3.75, 100 at 15 per million"
    );
    assert_eq!(row["input_source"], "+llm.input_messages");
    assert_eq!(
        parsed(&row, "input"),
        json!([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}])
    );
    assert_eq!(
        row["attributes_string"]["input.value"], "{\"messages\":[]}",
        "a worse source stays"
    );
    assert_eq!(
        row["attributes_string"]["llm.input_messages.0.message.content"],
        "Hi"
    );
    assert_eq!(row["metadata"], json!({"team": "search", "run": "{\"id\":3}"}));
    assert_eq!(row["tags"], json!(["red", "blue"]));
    let retriever = observe(json!({"openinference.span.kind": "RETRIEVER", "input.value": "query"}));
    assert_eq!(
        pick(&retriever, &["type", "input"]),
        json!({"type": "retrieval", "input": "query"})
    );
}

#[test]
fn langfuse_counts_exclusively() {
    let row = observe(json!({
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "claude-sonnet-4-5",
        "langfuse.observation.usage_details": r#"{"input":300,"output":40,"input_cached_tokens":700,"total":1040}"#,
        "langfuse.observation.cost_details": r#"{"input":0.001,"output":0.0006,"total":0.0016}"#,
        "langfuse.observation.input": "[{\"role\":\"user\",\"content\":\"Hi\"}]",
        "langfuse.observation.output": "{\"role\":\"assistant\",\"content\":\"Hello\"}",
        "langfuse.observation.level": "WARNING",
        "langfuse.observation.completion_start_time": "\"2026-11-22T12:00:00.250Z\"",
        "langfuse.trace.name": "checkout",
        "langfuse.trace.tags": ["a"],
        "langfuse.trace.metadata.plan": "pro",
        "langfuse.trace.metadata.quoted": "\"as sent\"",
        "langfuse.observation.metadata.try": "2",
        "langfuse.environment": "staging",
        "langfuse.release": "v7",
        "session.id": "s",
        "user.id": "u",
    }));
    assert_eq!(
        usage(&row),
        json!(["generation", "", "claude-sonnet-4-5", 1000, 40, 700, 0, 0, true])
    );
    assert_eq!(
        (&row["cost_source"], &row["total_cost"]),
        (&json!(1), &json!("0.0016"))
    );
    assert_eq!(
        row["cost_details"],
        json!({"input": "0.001", "output": "0.0006", "priced": "0.00171"}),
        "ours beside theirs: 300 at 3, 700 at 0.30, 40 at 15 per million"
    );
    assert_ne!(row["price_version"], "");
    assert_eq!(row["time_to_first_token_us"], 250_000);
    assert_eq!(
        row["metadata"],
        json!({"plan": "pro", "quoted": "as sent", "try": "2"})
    );
    assert_eq!(
        pick(
            &row,
            &["trace_name", "environment", "release", "level", "input_source"]
        ),
        json!({"trace_name": "checkout", "environment": "staging", "release": "v7", "level": "WARNING",
               "input_source": "langfuse.observation.input"})
    );
}

#[test]
fn traceloop() {
    let row = observe(json!({
        "llm.request.type": "chat",
        "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.usage.prompt_tokens": 20,
        "gen_ai.usage.completion_tokens": 10,
        "llm.usage.total_tokens": 30,
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "Hi",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "Hello",
        "gen_ai.completion.0.finish_reason": "stop",
        "traceloop.workflow.name": "support",
        "traceloop.association.properties.user_id": "u-1",
        "traceloop.association.properties.session_id": "s-1",
    }));
    assert_eq!(
        usage(&row),
        json!(["generation", "openai", "gpt-4o-2024-08-06", 20, 10, 0, 0, 0, true])
    );
    assert_eq!(
        parsed(&row, "input"),
        json!([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}])
    );
    assert_eq!(parsed(&row, "output")[0]["finish_reason"], "stop");
    assert_eq!(
        pick(&row, &["trace_name", "user_id", "session_id"]),
        json!({"trace_name": "support", "user_id": "u-1", "session_id": "s-1"})
    );
    let workflow = observe(json!({
        "traceloop.span.kind": "workflow",
        "traceloop.entity.input": "{\"inputs\":{}}",
        "traceloop.entity.output": "\"done\"",
    }));
    assert_eq!(
        pick(&workflow, &["type", "input", "output"]),
        json!({"type": "workflow", "input": "{\"inputs\":{}}", "output": "\"done\""})
    );
}

#[test]
fn vercel_counts_the_inner_call_only() {
    let outer = observe(json!({
        "ai.operationId": "ai.generateText",
        "operation.name": "ai.generateText checkout",
        "ai.model.id": "gpt-4o-mini",
        "ai.model.provider": "openai.chat",
        "ai.prompt": "{\"prompt\":\"Hi\"}",
        "ai.response.text": "Hello",
        "ai.usage.promptTokens": 100,
        "ai.usage.completionTokens": 20,
        "ai.telemetry.functionId": "checkout",
        "ai.telemetry.metadata.userId": "u",
        "ai.telemetry.metadata.tags": ["beta"],
    }));
    assert_eq!(
        usage(&outer),
        json!(["span", "openai", "gpt-4o-mini", 100, 20, 0, 0, 0, false])
    );
    assert_eq!(
        (&outer["cost_source"], &outer["total_cost"]),
        (&json!(0), &json!("0"))
    );
    assert_eq!(
        pick(&outer, &["trace_name", "user_id", "tags", "input", "output"]),
        json!({"trace_name": "checkout", "user_id": "u", "tags": ["beta"], "input": "{\"prompt\":\"Hi\"}",
               "output": "Hello"})
    );
    let inner = observe(json!({
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.id": "gpt-4o-mini",
        "ai.model.provider": "openai.chat",
        "ai.response.model": "gpt-4o-mini-2024-07-18",
        "ai.prompt.messages": "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]}]",
        "ai.response.text": "Hello",
        "ai.response.msToFirstChunk": 120.5,
        "ai.usage.promptTokens": 100,
        "ai.usage.completionTokens": 20,
        "ai.response.providerMetadata": "{\"openai\":{\"cachedPromptTokens\":64}}",
    }));
    assert_eq!(
        usage(&inner),
        json!([
            "generation",
            "openai",
            "gpt-4o-mini-2024-07-18",
            100,
            20,
            64,
            0,
            0,
            true
        ])
    );
    assert_eq!(inner["input_source"], "ai.prompt.messages");
    assert_eq!(inner["time_to_first_token_us"], 120_500);
    let tool = observe(json!({
        "ai.operationId": "ai.toolCall", "ai.toolCall.args": "{\"city\":\"Paris\"}", "ai.toolCall.result": "21",
    }));
    assert_eq!(
        pick(&tool, &["type", "input", "output"]),
        json!({"type": "tool", "input": "{\"city\":\"Paris\"}", "output": "21"})
    );
}

#[test]
fn the_vercel_ai_sdks_own_split_goes_before_the_raw_usage_of_one_iteration() {
    let row = observe(json!({
        "ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "anthropic.messages",
        "ai.model.id": "claude-sonnet-4-5", "ai.usage.inputTokens": 2400, "ai.usage.outputTokens": 50,
        "ai.usage.inputTokenDetails.noCacheTokens": 2000, "ai.usage.inputTokenDetails.cacheReadTokens": 400,
        "ai.response.providerMetadata":
            r#"{"anthropic":{"usage":{"input_tokens":1000,"output_tokens":50,"cache_read_input_tokens":400}}}"#,
    }));
    assert_eq!(
        usage(&row),
        json!([
            "generation",
            "anthropic",
            "claude-sonnet-4-5",
            2400,
            50,
            400,
            0,
            0,
            true
        ])
    );
}

#[test]
fn the_vercel_ai_sdk_counts_anthropics_cache_once_in_every_version() {
    let raw = json!({"anthropic": {"usage": {
        "input_tokens": 1000, "output_tokens": 50, "cache_read_input_tokens": 400, "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "service_tier": "standard",
    }}});
    // Version 5 leaves the cache out of the input, version 6 counts it in.
    for input in [1000, 1700] {
        let row = observe(json!({
            "ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "anthropic.messages",
            "ai.model.id": "claude-sonnet-4-5", "ai.usage.inputTokens": input, "gen_ai.usage.input_tokens": input,
            "ai.usage.outputTokens": 50, "ai.usage.cachedInputTokens": 400, "ai.usage.totalTokens": input + 50,
            "ai.response.providerMetadata": raw.to_string(),
        }));
        assert_eq!(
            usage(&row),
            json!([
                "generation",
                "anthropic",
                "claude-sonnet-4-5",
                1700,
                50,
                400,
                300,
                0,
                true
            ]),
            "{input}"
        );
        // 1000 x 3 + 400 x 0.3 + 100 x 3.75 + 200 x 6 + 50 x 15, in millionths.
        assert_eq!(row["total_cost"], "0.005445", "{input}");
    }
}

#[test]
fn brokle_sdk() {
    let row = observe(json!({
        "brokle.span.type": "generation",
        "brokle.span.level": "DEFAULT",
        "brokle.environment": "staging",
        "brokle.trace.name": "answer",
        "brokle.trace.tags": "[\"vip\",\"eu\"]",
        "brokle.trace.metadata": "{\"tenant\":\"acme\"}",
        "metadata": "{\"tenant\":\"acme\"}",
        "gen_ai.provider.name": "azure_openai",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 50,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.input_tokens.cache_read": 20,
        "gen_ai.usage.reasoning_tokens": 4,
        "gen_ai.response.time_to_first_token": 93.25,
        "gen_ai.input.messages": "[{\"role\":\"user\",\"content\":\"Hi\"}]",
        "output.value": "Hello",
        "session.id": "s",
    }));
    assert_eq!(
        usage(&row),
        json!(["generation", "azure.ai.openai", "gpt-4o", 50, 10, 20, 0, 4, true])
    );
    assert_eq!(
        pick(
            &row,
            &[
                "environment",
                "trace_name",
                "tags",
                "metadata",
                "level",
                "time_to_first_token_us"
            ]
        ),
        json!({"environment": "staging", "trace_name": "answer", "tags": ["vip", "eu"],
               "metadata": {"tenant": "acme"}, "level": "DEFAULT", "time_to_first_token_us": 93_250})
    );
    assert_eq!(
        pick(&row, &["input_source", "output"]),
        json!({"input_source": "gen_ai.input.messages", "output": "Hello"})
    );
}

#[test]
fn http_spans_are_just_spans() {
    let row =
        observe(json!({"http.request.method": "GET", "http.response.status_code": 200, "url.path": "/"}));
    assert_eq!(usage(&row), json!(["span", "", "", 0, 0, 0, 0, 0, false]));
    assert_eq!(
        pick(&row, &["level", "service_name", "input_source"]),
        json!({"level": "DEFAULT", "service_name": "shop", "input_source": ""})
    );
}
