//! The rules that keep numbers right (R1 to R5), and what surrounds an observation.

use std::sync::Arc;

use brokle_ingest::arrow::EncodeContext;
use brokle_ingest::normalize::AttributeMap;
use brokle_model::price::PriceBook;
use serde_json::{Value, json};

use crate::arrow_support::{context, observe, observe_span, observe_with, pick, request, rows, span};

fn tokens(row: &Value) -> Value {
    [
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
    ]
    .iter()
    .map(|name| row[*name].clone())
    .collect()
}

fn merged(base: Value, extra: Value) -> Value {
    let (Value::Object(mut base), Value::Object(extra)) = (base, extra) else {
        panic!("two objects")
    };
    base.extend(extra);
    Value::Object(base)
}

#[test]
fn each_token_is_priced_once() {
    let row = observe(json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.usage.input_tokens": 10_000,
        "gen_ai.usage.output_tokens": 1000,
        "gen_ai.usage.cache_read.input_tokens": 6000,
        "gen_ai.usage.cache_creation.input_tokens": 1000,
        "gen_ai.usage.reasoning.output_tokens": 400,
    }));
    assert_eq!(row["total_cost"], "0.02955");
    assert_eq!(
        row["cost_details"],
        json!({"input": "0.009", "cache_read": "0.0018", "cache_write": "0.00375", "output": "0.009",
               "reasoning": "0.006"})
    );
}

#[test]
fn counts_that_cannot_be_inclusive_are_exclusive() {
    let row = observe(json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 30,
        "gen_ai.usage.cache_read.input_tokens": 2000,
        "gen_ai.usage.reasoning.output_tokens": 90,
    }));
    assert_eq!(tokens(&row), json!([2010, 120, 2000, 0, 90]));
}

#[test]
fn counts_arrive_in_many_types_and_the_first_that_makes_sense_wins() {
    let row = observe(json!({
        "gen_ai.usage.input_tokens": "not a number",
        "gen_ai.usage.prompt_tokens": "11",
        "gen_ai.usage.output_tokens": 7.0,
        "llm.token_count.completion": 99,
    }));
    assert_eq!(tokens(&row), json!([11, 7, 0, 0, 0]));
    let total_only = observe(json!({"gen_ai.operation.name": "embeddings", "gen_ai.usage.total_tokens": 42}));
    assert_eq!(tokens(&total_only), json!([42, 0, 0, 0, 0]));
    assert_eq!(total_only["type"], "embedding");
}

#[test]
fn usage_counts_once_per_trace() {
    let usage = json!({
        "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 240, "gen_ai.usage.output_tokens": 60,
    });
    let cases = [
        (json!({"gen_ai.operation.name": "chat"}), true, "generation"),
        (json!({"gen_ai.operation.name": "embeddings"}), true, "embedding"),
        (json!({"gen_ai.operation.name": "invoke_agent"}), false, "agent"),
        (json!({"gen_ai.operation.name": "agent_step"}), false, "span"),
        (
            json!({"gen_ai.operation.name": "invoke_workflow"}),
            false,
            "workflow",
        ),
        (json!({"ai.operationId": "ai.streamText"}), false, "span"),
        (
            json!({"ai.operationId": "ai.streamText.doStream"}),
            true,
            "generation",
        ),
        (json!({"openinference.span.kind": "CHAIN"}), false, "chain"),
        (
            json!({"gen_ai.operation.name": "chat", "brokle.usage.counted": false}),
            false,
            "generation",
        ),
        (json!({}), true, "generation"),
    ];
    for (attributes, counts, kind) in cases {
        let row = observe(merged(usage.clone(), attributes.clone()));
        assert_eq!(
            (&row["counts_usage"], &row["type"]),
            (&json!(counts), &json!(kind)),
            "{attributes}"
        );
        assert_eq!(tokens(&row), json!([240, 60, 0, 0, 0]), "numbers stay visible");
        assert_eq!(row["total_cost"] == "0", !counts, "{attributes}");
    }
}

#[test]
fn the_callers_cost_wins_and_ours_is_kept_beside_it() {
    let call = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100,
    });
    let cost = |extra: Value| {
        let row = observe(merged(call.clone(), extra));
        pick(&row, &["cost_source", "total_cost", "cost_details"])
    };
    assert_eq!(
        cost(json!({})),
        json!({"cost_source": 2, "total_cost": "0.00021", "cost_details": {"input": "0.00015", "output": "0.00006"}})
    );
    assert_eq!(
        cost(json!({"gen_ai.usage.cost": 0.5})),
        json!({"cost_source": 1, "total_cost": "0.5", "cost_details": {"priced": "0.00021"}})
    );
    assert_eq!(
        cost(json!({"gen_ai.usage.input_cost": "0.1", "gen_ai.usage.output_cost": 2e-7})),
        json!({"cost_source": 1, "total_cost": "0.1000002",
               "cost_details": {"input": "0.1", "output": "0.0000002", "priced": "0.00021"}})
    );
    assert_eq!(
        cost(json!({"llm.cost.total": 5e9}))["total_cost"],
        "999999.999999999999",
        "more than the column holds is shown as the most it holds"
    );
}

#[test]
fn tokens_of_every_kind_are_priced_in_their_own_bucket() {
    let row = observe(json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-realtime",
        "gen_ai.usage.input_tokens": 5000, "gen_ai.usage.output_tokens": 800,
        "gen_ai.usage.cache_read.input_tokens": 2000, "gen_ai.usage.audio.input_tokens": 1500,
        "gen_ai.usage.image.input_tokens": 400, "gen_ai.usage.audio.output_tokens": 700,
    }));
    assert_eq!(
        pick(&row, &["usage_details", "total_cost", "cost_details"]),
        json!({
            "usage_details": {"audio_input": 1500, "image_input": 400, "audio_output": 700},
            "total_cost": "0.1016",
            "cost_details": {"input": "0.0044", "cache_read": "0.0008", "audio_input": "0.048", "image_input": "0.002",
                             "output": "0.0016", "audio_output": "0.0448"},
        })
    );
    let by_age = observe(json!({
        "langfuse.observation.type": "generation", "langfuse.observation.model.name": "claude-sonnet-4-5",
        "langfuse.observation.usage_details":
            r#"{"input":1000,"output":10,"input_cache_creation_5m":300,"input_cache_creation_1h":200}"#,
    }));
    assert_eq!(tokens(&by_age), json!([1500, 10, 0, 500, 0]));
    assert_eq!(by_age["usage_details"], json!({"cache_write_1h": 200}));
    assert_eq!(
        by_age["cost_details"],
        json!({"input": "0.003", "cache_write": "0.001125", "cache_write_1h": "0.0012", "output": "0.00015"})
    );
}

#[test]
fn a_service_tier_with_prices_of_its_own_is_priced_by_them() {
    let call = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100,
    });
    let cases = [
        (json!({}), "", "0.0035"),
        (
            json!({"gen_ai.openai.response.service_tier": "default"}),
            "",
            "0.0035",
        ),
        (
            json!({"gen_ai.openai.response.service_tier": "batch"}),
            "batch",
            "0.00175",
        ),
        (
            json!({"openai.response.service_tier": "priority"}),
            "priority",
            "0.00595",
        ),
        (
            json!({"gen_ai.openai.request.service_tier": "priority", "gen_ai.openai.response.service_tier": "default"}),
            "",
            "0.0035",
        ),
        (
            json!({"llm.invocation_parameters": r#"{"service_tier":"flex"}"#}),
            "flex",
            "0.0035",
        ),
    ];
    for (extra, mode, cost) in cases {
        let row = observe(merged(call.clone(), extra.clone()));
        assert_eq!(
            pick(&row, &["price_mode", "total_cost"]),
            json!({"price_mode": mode, "total_cost": cost}),
            "{extra}"
        );
    }
}

#[test]
fn a_sum_fills_in_what_is_left_out_and_tells_how_subsets_are_counted() {
    let observed = |attributes: Value| tokens(&observe(attributes));
    assert_eq!(
        observed(json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.total_tokens": 17})),
        json!([10, 7, 0, 0, 0])
    );
    assert_eq!(
        observed(json!({"gen_ai.usage.output_tokens": 7, "gen_ai.usage.total_tokens": 17})),
        json!([10, 7, 0, 0, 0])
    );
    // Gemini's thoughts stand beside its candidates.
    assert_eq!(
        observed(json!({
            "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50,
            "gen_ai.usage.reasoning_tokens": 30, "gen_ai.usage.total_tokens": 180,
        })),
        json!([100, 80, 0, 0, 30])
    );
}

#[test]
fn a_call_before_any_price_of_its_model_has_no_known_cost() {
    let mut prices = PriceBook::default();
    let file = "[[price]]\nprovider = \"p\"\nmodel = \"m\"\nvalid_from = 2100-01-01\ninput = 1\n";
    prices.overlay(prices.read_file(file).unwrap());
    let context = EncodeContext {
        prices: Arc::new(prices),
        ..context()
    };
    let call =
        json!({"gen_ai.provider.name": "p", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1000});
    let row = observe_with(&context, call);
    assert_eq!(
        pick(&row, &["cost_source", "total_cost"]),
        json!({"cost_source": 0, "total_cost": "0"})
    );
}

#[test]
fn a_scope_may_be_known_to_count_exclusively() {
    let map = "version = 1\n[[producer]]\nname = \"mine\"\n\
        [producer.fields]\nprovider = [\"provider\"]\ninput_tokens = [\"in\"]\ncache_read_tokens = [\"cached\"]\n\
        [[producer.counting]]\nscope = \"test\"\nprovider = \"claude\"\ncounting = \"exclusive\"\n";
    let context = EncodeContext {
        attributes: Arc::new(AttributeMap::with_file("mine.toml", map).unwrap()),
        ..context()
    };
    let input = |provider: &str| {
        let row = observe_with(&context, json!({"provider": provider, "in": 1000, "cached": 400}));
        row["input_tokens"].clone()
    };
    assert_eq!(
        [input("anthropic.messages"), input("openai")],
        [json!(1400), json!(1000)]
    );
}

#[test]
fn a_model_without_a_price_costs_nothing_known() {
    let row = observe(json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "ollama", "gen_ai.request.model": "llama3",
        "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 10,
    }));
    assert_eq!(
        pick(
            &row,
            &[
                "cost_source",
                "total_cost",
                "cost_details",
                "price_version",
                "counts_usage"
            ]
        ),
        json!({"cost_source": 0, "total_cost": "0", "cost_details": {}, "price_version": "", "counts_usage": true})
    );
}

#[test]
fn providers_fold_to_one_name_and_the_senders_word_stays() {
    for (sent, folded) in [
        ("az.ai.openai", "azure.ai.openai"),
        ("openai.responses", "openai"),
        ("google.generative-ai", "gcp.gemini"),
        ("amazon-bedrock", "aws.bedrock"),
        ("mistral", "mistral_ai"),
        ("xai", "x_ai"),
        ("Acme", "acme"),
    ] {
        let row = observe(json!({"gen_ai.system": sent}));
        assert_eq!(row["provider"], folded);
        assert_eq!(row["attributes_string"]["gen_ai.system"], sent);
    }
}

#[test]
fn the_environment_is_the_attributes_then_the_headers_then_the_default() {
    use brokle_ingest::arrow::encode_range;
    use prost::Message;
    let environment = |resource: Value, own: Value, header: &str| {
        let body = request(resource, vec![span(own)]).encode_to_vec();
        let record = brokle_ingest::pipeline::batch::RangeRecord {
            environment: header,
            ..crate::arrow_support::record(&body)
        };
        let batches = encode_range(&[record], &crate::arrow_support::context()).unwrap();
        rows(&batches)[0]["environment"].clone()
    };
    let named = json!({"deployment.environment.name": "production"});
    assert_eq!(environment(named.clone(), json!({}), "staging"), "production");
    assert_eq!(
        environment(named, json!({"langfuse.environment": "canary"}), "staging"),
        "canary"
    );
    assert_eq!(
        environment(json!({"deployment.environment": "old"}), json!({}), "staging"),
        "old"
    );
    assert_eq!(environment(json!({}), json!({}), "staging"), "staging");
    assert_eq!(environment(json!({}), json!({}), ""), "default");
}

#[test]
fn entries_are_roots_remote_children_servers_and_consumers() {
    let entry = |parent: Vec<u8>, flags: u32, kind: i32| {
        let mut span = span(json!({}));
        (span.parent_span_id, span.flags, span.kind) = (parent, flags, kind);
        let row = observe_span(span);
        (
            row["is_entry"].as_bool().unwrap(),
            row["trace_name"].as_str().unwrap().to_owned(),
        )
    };
    let parent = vec![1; 8];
    assert_eq!(entry(vec![], 0, 1), (true, "operation".to_owned()));
    assert_eq!(entry(parent.clone(), 0x100, 1), (false, String::new()));
    assert_eq!(entry(parent.clone(), 0x301, 1), (true, "operation".to_owned()));
    assert_eq!(
        entry(parent.clone(), 0x200, 3),
        (false, String::new()),
        "unknown whether remote"
    );
    assert!(entry(parent.clone(), 0, 2).0);
    assert!(entry(parent, 0, 5).0);
}

#[test]
fn a_failed_span_is_an_error_unless_graded() {
    use opentelemetry_proto::tonic::trace::v1::Status;
    let level = |code: i32, attributes: Value| {
        let mut span = span(attributes);
        span.status = Some(Status {
            code,
            message: "boom".to_owned(),
        });
        let row = observe_span(span);
        assert_eq!(
            (&row["status_code"], &row["status_message"]),
            (&json!(code), &json!("boom"))
        );
        row["level"].clone()
    };
    assert_eq!(level(2, json!({})), "ERROR");
    assert_eq!(level(1, json!({})), "DEFAULT");
    assert_eq!(level(2, json!({"brokle.span.level": "DEFAULT"})), "ERROR");
    assert_eq!(level(2, json!({"langfuse.observation.level": "warn"})), "WARNING");
}
