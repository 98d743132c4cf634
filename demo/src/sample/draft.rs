//! A trace under construction, in the form in which an instrumented program sends it. Times count from the
//! trace's own start until it is known when that was.

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Variant;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::Value;

use super::models::{Model, Usage};

pub(super) const INTERNAL: i32 = 1;
pub(super) const SERVER: i32 = 2;
pub(super) const CLIENT: i32 = 3;

const STATUS_OK: i32 = 1;
const STATUS_ERROR: i32 = 2;

/// The id of a span in its trace.
pub(super) type SpanId = Vec<u8>;

/// Spans of one program, one trace.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    service: &'static str,
    version: &'static str,
    environment: &'static str,
    trace_id: Vec<u8>,
    /// What every span says, such as the user.
    common: Vec<KeyValue>,
    spans: Vec<Span>,
}

impl Draft {
    pub(super) fn new(
        random: &mut StdRng,
        service: &'static str,
        version: &'static str,
        environment: &'static str,
    ) -> Self {
        Self {
            service,
            version,
            environment,
            trace_id: random.random::<[u8; 16]>().to_vec(),
            common: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// Says the same on every span from here on.
    pub(super) fn say_always(&mut self, key: &str, value: &str) {
        self.common.push(attribute(key, text(value)));
    }

    /// Adds a span.
    pub(super) fn span(
        &mut self,
        random: &mut StdRng,
        name: &str,
        kind: i32,
        parent: Option<&SpanId>,
        [start, end]: [Duration; 2],
    ) -> SpanDraft<'_> {
        self.spans.push(Span {
            trace_id: self.trace_id.clone(),
            span_id: random.random::<[u8; 8]>().to_vec(),
            parent_span_id: parent.cloned().unwrap_or_default(),
            name: name.to_owned(),
            kind,
            start_time_unix_nano: nanos(start),
            end_time_unix_nano: nanos(end),
            attributes: self.common.clone(),
            ..Span::default()
        });
        let last = self.spans.len() - 1;
        SpanDraft(&mut self.spans[last])
    }

    /// From its start to its last end.
    pub(crate) fn length(&self) -> Duration {
        let end = self.spans.iter().map(|span| span.end_time_unix_nano).max();
        Duration::from_nanos(end.unwrap_or_default())
    }

    /// Sets a span's end, which a parent learns last.
    pub(super) fn end(&mut self, id: &SpanId, end: Duration) -> SpanDraft<'_> {
        let at = self
            .spans
            .iter()
            .position(|span| span.span_id == *id)
            .unwrap_or(0);
        let span = &mut self.spans[at];
        span.end_time_unix_nano = nanos(end);
        SpanDraft(span)
    }

    /// `traceparent` for a call made by the span.
    pub(super) fn traceparent(&self, id: &SpanId) -> String {
        format!("00-{}-{}-01", hex::encode(&self.trace_id), hex::encode(id))
    }

    /// The trace as it is sent, started at `start_ns` (Unix epoch).
    pub(crate) fn into_resource_spans(mut self, start_ns: u64) -> ResourceSpans {
        for span in &mut self.spans {
            span.start_time_unix_nano += start_ns;
            span.end_time_unix_nano += start_ns;
            for event in &mut span.events {
                event.time_unix_nano += start_ns;
            }
        }
        let attributes = [
            ("service.name", self.service),
            ("service.version", self.version),
            ("deployment.environment.name", self.environment),
            ("telemetry.sdk.language", "python"),
            ("telemetry.sdk.name", "opentelemetry"),
        ];
        ResourceSpans {
            resource: Some(Resource {
                attributes: attributes.map(|(key, value)| attribute(key, text(value))).into(),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "kestrel.support".to_owned(),
                    version: self.version.to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans: self.spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }
    }
}

/// One span of a draft.
pub(super) struct SpanDraft<'a>(&'a mut Span);

impl SpanDraft<'_> {
    pub(super) fn id(self) -> SpanId {
        self.0.span_id.clone()
    }

    pub(super) fn text(self, key: &str, value: &str) -> Self {
        self.set(key, text(value))
    }

    pub(super) fn json(self, key: &str, value: &Value) -> Self {
        self.text(key, &value.to_string())
    }

    pub(super) fn texts(self, key: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| any(text(value))).collect();
        self.set(key, Variant::ArrayValue(ArrayValue { values }))
    }

    pub(super) fn number(self, key: &str, value: u64) -> Self {
        self.set(key, Variant::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    pub(super) fn float(self, key: &str, value: f64) -> Self {
        self.set(key, Variant::DoubleValue(value))
    }

    /// The attributes of a model's call, all but its messages.
    pub(super) fn model(self, model: &Model, usage: Usage) -> Self {
        let counts = [
            ("gen_ai.usage.cache_read.input_tokens", usage.cache_read),
            ("gen_ai.usage.cache_creation.input_tokens", usage.cache_write),
            ("gen_ai.usage.reasoning.output_tokens", usage.reasoning),
        ];
        let span = self
            .text("gen_ai.operation.name", "chat")
            .text("gen_ai.provider.name", model.provider)
            .text("gen_ai.request.model", model.name)
            .text("gen_ai.response.model", model.version)
            .number("gen_ai.usage.input_tokens", usage.input)
            .number("gen_ai.usage.output_tokens", usage.output);
        let counted = counts.into_iter().filter(|(_, count)| *count > 0);
        counted.fold(span, |span, (key, count)| span.number(key, count))
    }

    pub(super) fn succeeded(self) -> Self {
        self.0.status = Some(Status {
            code: STATUS_OK,
            message: String::new(),
        });
        self
    }

    /// Ends the span in an error, with the exception as an event.
    pub(super) fn failed(self, kind: &str, message: &str) -> Self {
        self.0.status = Some(Status {
            code: STATUS_ERROR,
            message: message.to_owned(),
        });
        self.0.events.push(Event {
            time_unix_nano: self.0.end_time_unix_nano,
            name: "exception".to_owned(),
            attributes: vec![
                attribute("exception.type", text(kind)),
                attribute("exception.message", text(message)),
            ],
            ..Event::default()
        });
        self.text("error.type", kind)
    }

    fn set(self, key: &str, value: Variant) -> Self {
        self.0.attributes.push(attribute(key, value));
        self
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn text(value: &str) -> Variant {
    Variant::StringValue(value.to_owned())
}

fn any(value: Variant) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn attribute(key: &str, value: Variant) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(any(value)),
        ..KeyValue::default()
    }
}
