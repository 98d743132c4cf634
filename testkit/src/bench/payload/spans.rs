//! Spans as producers send them, with the marks that [`super::Template`] looks for.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::{MARK, SPANS_PER_TRACE, Shape};

pub(super) fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let resource = Resource {
        attributes: vec![
            text("service.name", "checkout"),
            text("service.version", "1.4.2"),
            text("service.instance.id", "627cc493-f310-47de-96bd-71410b7dec09"),
            text("deployment.environment.name", "production"),
            text("telemetry.sdk.language", "python"),
            text("telemetry.sdk.name", "opentelemetry"),
            text("telemetry.sdk.version", "1.45.0"),
            number("process.pid", 4711),
        ],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "bench".to_owned(),
        version: "1".to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_spans = ScopeSpans {
        scope: Some(scope),
        spans,
        ..ScopeSpans::default()
    };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![resource_spans],
    }
}

fn marked<const N: usize>(kind: u8) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..4].copy_from_slice(&MARK);
    bytes[4] = kind;
    bytes
}

pub(super) fn span(shape: Shape, index: u64, words: &mut Words) -> Span {
    let is_root = index.is_multiple_of(SPANS_PER_TRACE);
    let (name, attributes) = match shape {
        Shape::Small => ("GET /cart/{id}", small(index, words)),
        Shape::Model => ("chat gpt-4o-mini", model(index, words, 450, 130)),
        Shape::LongModel => ("chat gpt-4o-mini", model(index, words, 3_050, 1_050)),
    };
    Span {
        trace_id: marked::<16>(b't').to_vec(),
        span_id: marked::<8>(b's').to_vec(),
        parent_span_id: if is_root {
            Vec::new()
        } else {
            marked::<8>(b'p').to_vec()
        },
        name: name.to_owned(),
        kind: 3,
        start_time_unix_nano: u64::from_le_bytes(marked(b'b')),
        end_time_unix_nano: u64::MAX,
        attributes,
        status: Some(Status {
            code: i32::from(index % 50 == 7) * 2,
            ..Status::default()
        }),
        ..Span::default()
    }
}

fn small(index: u64, words: &mut Words) -> Vec<KeyValue> {
    vec![
        text("http.request.method", "GET"),
        text("url.path", &format!("/cart/{}", words.number(90_000))),
        text("url.scheme", "https"),
        text("server.address", "cart.internal"),
        number("server.port", 8080),
        number(
            "http.response.status_code",
            if index % 50 == 7 { 500 } else { 200 },
        ),
        text("network.protocol.version", "1.1"),
        text("user_agent.original", "python-httpx/0.28.1 (linux; x86_64)"),
        text(
            "client.address",
            &format!("10.0.{}.{}", words.number(200), words.number(200)),
        ),
        text("thread.name", &format!("worker-{}", index % 16)),
    ]
}

fn model(index: u64, words: &mut Words, input_bytes: usize, output_bytes: usize) -> Vec<KeyValue> {
    let input = format!(
        r#"[{{"role":"user","parts":[{{"type":"text","content":"{}"}}]}}]"#,
        words.text(input_bytes)
    );
    let output = format!(
        r#"[{{"role":"assistant","parts":[{{"type":"text","content":"{}"}}],"finish_reason":"stop"}}]"#,
        words.text(output_bytes)
    );
    let count = |value: u64| i64::try_from(value).unwrap_or(0);
    vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o-mini"),
        text("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
        text(
            "gen_ai.response.id",
            &format!("chatcmpl-{:024}", words.number(u64::MAX)),
        ),
        text(
            "gen_ai.conversation.id",
            &format!("conversation-{}", words.number(5_000)),
        ),
        text("gen_ai.input.messages", &input),
        text("gen_ai.output.messages", &output),
        number(
            "gen_ai.usage.input_tokens",
            count(input_bytes as u64 / 4 + index % 50),
        ),
        number(
            "gen_ai.usage.output_tokens",
            count(output_bytes as u64 / 4 + index % 20),
        ),
        number("gen_ai.request.max_tokens", 1_024),
        float("gen_ai.request.temperature", 0.7),
        float("gen_ai.request.top_p", 0.95),
        text("gen_ai.response.finish_reasons", "stop"),
        text("server.address", "api.openai.com"),
        number("server.port", 443),
        text("user.id", &format!("user-{}", words.number(2_000))),
        text("app.feature", "assistant"),
        text("app.tier", "pro"),
        number("app.attempt", 1),
    ]
}

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, any_value::Value::IntValue(value))
}

fn float(key: &str, value: f64) -> KeyValue {
    attribute(key, any_value::Value::DoubleValue(value))
}

/// Text that compresses about as prose does: words of a vocabulary, the frequent ones more often.
pub(super) struct Words {
    random: StdRng,
    vocabulary: Vec<String>,
}

impl Words {
    pub(super) fn new() -> Self {
        let mut random = StdRng::seed_from_u64(7);
        let mut word = || {
            let letters = random.random_range(2..=9);
            (0..letters)
                .map(|_| char::from(random.random_range(b'a'..=b'z')))
                .collect()
        };
        let vocabulary = (0..3_000).map(|_| word()).collect();
        Self { random, vocabulary }
    }

    fn number(&mut self, below: u64) -> u64 {
        self.random.random_range(0..below)
    }

    pub(super) fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            let share: f64 = self.random.random();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "below the vocabulary's size"
            )]
            let chosen = (share * share * share * self.vocabulary.len() as f64) as usize;
            text.push_str(&self.vocabulary[chosen]);
            text.push(' ');
        }
        text
    }
}
