//! OTLP's export request around spans, and a span around its attributes.

use brokle_model::id::SpanId;

use super::wire::{self, Begun};
use crate::trace_context::TraceContext;

/// What a span says of itself besides its attributes.
pub(super) struct Head<'a> {
    pub(super) id: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    pub(super) starts_ns: u64,
    pub(super) ends_ns: u64,
    pub(super) flags: u32,
    pub(super) status: Option<Status<'a>>,
}

/// OTLP's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

/// How a span ended, where that is worth saying.
pub(super) struct Status<'a> {
    pub(super) is_error: bool,
    pub(super) message: &'a str,
}

/// What surrounds the spans, until it is closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Export {
    resource_spans: Begun,
    scope_spans: Begun,
}

const RESOURCE_SPANS: u32 = 1;
const RESOURCE: u32 = 1;
const RESOURCE_ATTRIBUTES: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const SCOPE: u32 = 1;
const SCOPE_NAME: u32 = 1;
const SCOPE_VERSION: u32 = 2;
const SPAN: u32 = 2;
const STATUS: u32 = 15;
const STATUS_MESSAGE: u32 = 2;
const STATUS_CODE: u32 = 3;
const ERROR: u64 = 2;

/// Begins an export request of the gateway's.
pub(super) fn open_export(out: &mut Vec<u8>) -> Export {
    let version = env!("CARGO_PKG_VERSION");
    let resource_spans = wire::begin(out, RESOURCE_SPANS);
    let resource = wire::begin(out, RESOURCE);
    let mut attributes = super::attributes::Attributes::new(out, RESOURCE_ATTRIBUTES);
    attributes.text("service.name", "brokle-gateway");
    attributes.text("service.version", version);
    wire::end(out, resource);
    let scope_spans = wire::begin(out, SCOPE_SPANS);
    let scope = wire::begin(out, SCOPE);
    wire::bytes(out, SCOPE_NAME, b"brokle.gateway");
    wire::bytes(out, SCOPE_VERSION, version.as_bytes());
    wire::end(out, scope);
    Export {
        resource_spans,
        scope_spans,
    }
}

/// Ends it.
pub(super) fn close_export(out: &mut [u8], export: Export) {
    wire::end(out, export.scope_spans);
    wire::end(out, export.resource_spans);
}

/// Writes a span; `describe` writes its attributes and events.
pub(super) fn write_span(
    out: &mut Vec<u8>,
    trace: &TraceContext,
    head: &Head<'_>,
    describe: impl FnOnce(&mut Vec<u8>),
) {
    let span = wire::begin(out, SPAN);
    wire::bytes(out, 1, trace.trace.as_bytes());
    wire::bytes(out, 2, head.id.as_bytes());
    wire::bytes_if_any(out, 3, trace.state.as_bytes());
    if let Some(parent) = &head.parent {
        wire::bytes(out, 4, parent.as_bytes());
    }
    wire::bytes(out, 5, head.name.as_bytes());
    wire::number(out, 6, head.kind as u64);
    wire::fixed64(out, 7, head.starts_ns);
    wire::fixed64(out, 8, head.ends_ns);
    describe(out);
    if let Some(status) = &head.status {
        let begun = wire::begin(out, STATUS);
        wire::bytes_if_any(out, STATUS_MESSAGE, status.message.as_bytes());
        if status.is_error {
            wire::number(out, STATUS_CODE, ERROR);
        }
        wire::end(out, begun);
    }
    wire::fixed32(out, 16, head.flags);
    wire::end(out, span);
}

#[cfg(test)]
mod tests {
    use brokle_model::id::TraceId;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use prost::Message as _;

    use super::super::attributes::Attributes;
    use super::*;

    fn written(describe: impl FnOnce(&mut Vec<u8>)) -> ExportTraceServiceRequest {
        let mut trace = TraceContext::from_headers(&http::HeaderMap::new());
        trace.trace = TraceId::from_bytes([7; 16]);
        "a=b".clone_into(&mut trace.state);
        let head = Head {
            id: SpanId::from_bytes([1; 8]),
            parent: Some(SpanId::from_bytes([2; 8])),
            name: "chat m",
            kind: Kind::Client,
            starts_ns: 1 << 60,
            ends_ns: (1 << 60) + 1,
            flags: 0x101,
            status: Some(Status {
                is_error: true,
                message: "it broke",
            }),
        };
        let mut out = Vec::new();
        let export = open_export(&mut out);
        write_span(&mut out, &trace, &head, describe);
        write_span(&mut out, &trace, &head, |_| {});
        close_export(&mut out, export);
        ExportTraceServiceRequest::decode(&*out).unwrap()
    }

    #[test]
    fn what_is_written_is_what_the_schema_reads() {
        let texts = [
            String::new(),
            "x".repeat(127),
            "y".repeat(128),
            "z".repeat(70_000),
        ];
        let request = written(|out| {
            let mut attributes = Attributes::new(out, 9);
            for text in &texts {
                attributes.text("text", text);
            }
            attributes.int("int", u64::MAX);
            attributes.json("negative", Some(&serde_json::json!(-3)));
            attributes.double("double", 0.5);
            attributes.flag("flag", true);
            attributes.texts("texts", &["a", ""]);
            attributes.text_by("by", |out| {
                out.extend_from_slice(b"written");
                Some(())
            });
            attributes.text_by("nothing", |out| {
                out.extend_from_slice(b"begun");
                None
            });
        });
        let scope_spans = &request.resource_spans[0].scope_spans[0];
        assert_eq!(scope_spans.scope.as_ref().unwrap().name, "brokle.gateway");
        assert_eq!(
            request.resource_spans[0]
                .resource
                .as_ref()
                .unwrap()
                .attributes
                .len(),
            2
        );
        assert_eq!(scope_spans.spans.len(), 2);
        let span = &scope_spans.spans[0];
        assert_eq!((&*span.trace_id, &*span.span_id), (&[7; 16][..], &[1; 8][..]));
        assert_eq!((&*span.parent_span_id, &*span.trace_state), (&[2; 8][..], "a=b"));
        assert_eq!((span.name.as_str(), span.kind, span.flags), ("chat m", 3, 0x101));
        assert_eq!(
            (span.start_time_unix_nano, span.end_time_unix_nano),
            (1 << 60, (1 << 60) + 1)
        );
        let status = span.status.as_ref().unwrap();
        assert_eq!((status.message.as_str(), status.code), ("it broke", 2));
        let read: Vec<(&str, &Value)> = span
            .attributes
            .iter()
            .map(|attribute| {
                let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
                (attribute.key.as_str(), value.unwrap())
            })
            .collect();
        for (at, text) in texts.iter().enumerate() {
            assert_eq!(read[at], ("text", &Value::StringValue(text.clone())));
        }
        let rest: Vec<_> = read[texts.len()..].iter().map(|(key, _)| *key).collect();
        assert_eq!(rest, ["int", "negative", "double", "flag", "texts", "by"]);
        assert_eq!(read[4].1, &Value::IntValue(i64::MAX));
        assert_eq!(read[5].1, &Value::IntValue(-3));
        assert_eq!(read[6].1, &Value::DoubleValue(0.5));
        assert_eq!(read[7].1, &Value::BoolValue(true));
        assert!(matches!(read[8].1, Value::ArrayValue(list) if list.values.len() == 2));
        assert_eq!(read[9].1, &Value::StringValue("written".to_owned()));
    }
}
