//! The generated messages, filled from views alone.

use brokle_ingest::otlp::span::{EventView, LinkView, SpanView};
use brokle_ingest::otlp::value::{AnyValueView, KeyValueView};
use brokle_ingest::otlp::view::{ExportView, ResourceGroupView, ScopeGroupView};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

pub(super) fn request(body: &[u8]) -> ExportTraceServiceRequest {
    let resource_spans = ExportView::new(body).resources().map(resource_spans).collect();
    ExportTraceServiceRequest { resource_spans }
}

fn resource_spans(view: ResourceGroupView<'_>) -> ResourceSpans {
    let resource = view.resource();
    ResourceSpans {
        resource: Some(Resource {
            attributes: attributes(resource.attributes()),
            dropped_attributes_count: resource.dropped_attributes_count(),
            entity_refs: resource
                .entity_refs()
                .map(|bytes| EntityRef::decode(bytes).unwrap())
                .collect(),
        }),
        scope_spans: view.scopes().map(scope_spans).collect(),
        schema_url: view.schema_url().as_str().to_owned(),
    }
}

fn scope_spans(view: ScopeGroupView<'_>) -> ScopeSpans {
    let scope = view.scope();
    ScopeSpans {
        scope: Some(InstrumentationScope {
            name: scope.name().as_str().to_owned(),
            version: scope.version().as_str().to_owned(),
            attributes: attributes(scope.attributes()),
            dropped_attributes_count: scope.dropped_attributes_count(),
        }),
        spans: view.spans().map(|view| span(&view)).collect(),
        schema_url: view.schema_url().as_str().to_owned(),
    }
}

fn span(view: &SpanView<'_>) -> Span {
    Span {
        trace_id: view.trace_id.to_vec(),
        span_id: view.span_id.to_vec(),
        trace_state: view.trace_state.as_str().to_owned(),
        parent_span_id: view.parent_span_id.to_vec(),
        flags: view.flags,
        name: view.name.as_str().to_owned(),
        kind: view.kind,
        start_time_unix_nano: view.start_time_unix_nano,
        end_time_unix_nano: view.end_time_unix_nano,
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.dropped_attributes_count,
        events: view.events().map(|view| event(&view)).collect(),
        dropped_events_count: view.dropped_events_count,
        links: view.links().map(|view| link(&view)).collect(),
        dropped_links_count: view.dropped_links_count,
        status: Some(Status {
            message: view.status.message.as_str().to_owned(),
            code: view.status.code,
        }),
    }
}

fn event(view: &EventView<'_>) -> Event {
    Event {
        time_unix_nano: view.time_unix_nano,
        name: view.name.as_str().to_owned(),
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.dropped_attributes_count,
    }
}

fn link(view: &LinkView<'_>) -> Link {
    Link {
        trace_id: view.trace_id.to_vec(),
        span_id: view.span_id.to_vec(),
        trace_state: view.trace_state.as_str().to_owned(),
        attributes: attributes(view.attributes()),
        dropped_attributes_count: view.dropped_attributes_count,
        flags: view.flags,
    }
}

fn attributes<'a>(views: impl Iterator<Item = KeyValueView<'a>>) -> Vec<KeyValue> {
    views
        .map(|view| KeyValue {
            key: view.key.as_str().to_owned(),
            value: Some(any_value(view.value)),
            ..KeyValue::default()
        })
        .collect()
}

fn any_value(view: AnyValueView<'_>) -> AnyValue {
    let value = match view {
        AnyValueView::Empty => None,
        AnyValueView::String(text) => Some(any_value::Value::StringValue(text.as_str().to_owned())),
        AnyValueView::Bool(value) => Some(any_value::Value::BoolValue(value)),
        AnyValueView::Int(value) => Some(any_value::Value::IntValue(value)),
        AnyValueView::Double(value) => Some(any_value::Value::DoubleValue(value)),
        AnyValueView::Bytes(bytes) => Some(any_value::Value::BytesValue(bytes.to_vec())),
        AnyValueView::Array(array) => {
            let values = array.values().map(any_value).collect();
            Some(any_value::Value::ArrayValue(ArrayValue { values }))
        }
        AnyValueView::KeyValueList(list) => {
            let values = attributes(list.entries());
            Some(any_value::Value::KvlistValue(KeyValueList { values }))
        }
    };
    AnyValue { value }
}

/// Views do not tell an absent sub-message from an empty one, nor do they know the dictionary of the
/// profiles signal: here both are made alike.
pub(super) fn without_distinctions(mut request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    for resource_spans in &mut request.resource_spans {
        plain(&mut resource_spans.resource.get_or_insert_default().attributes);
        for scope_spans in &mut resource_spans.scope_spans {
            plain(&mut scope_spans.scope.get_or_insert_default().attributes);
            for span in &mut scope_spans.spans {
                span.status.get_or_insert_default();
                plain(&mut span.attributes);
                span.events
                    .iter_mut()
                    .for_each(|event| plain(&mut event.attributes));
                span.links.iter_mut().for_each(|link| plain(&mut link.attributes));
            }
        }
    }
    request
}

fn plain(attributes: &mut [KeyValue]) {
    for attribute in attributes {
        attribute.key_strindex = 0;
        plain_value(attribute.value.get_or_insert_default());
    }
}

fn plain_value(value: &mut AnyValue) {
    match &mut value.value {
        Some(any_value::Value::StringValueStrindex(_)) => value.value = None,
        Some(any_value::Value::ArrayValue(array)) => array.values.iter_mut().for_each(plain_value),
        Some(any_value::Value::KvlistValue(list)) => plain(&mut list.values),
        _ => {}
    }
}
