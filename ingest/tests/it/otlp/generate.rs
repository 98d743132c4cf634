//! Random trace requests, and other spellings of the same bytes.

use brokle_ingest::otlp::encode::Encoder;
use brokle_ingest::otlp::wire::{Fields, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::prelude::*;

const LATEST: u64 = i64::MAX as u64;

/// A request whose spans are all storable.
pub(super) fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    vec(resource_spans(), 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

fn resource_spans() -> impl Strategy<Value = ResourceSpans> {
    (proptest::option::of(resource()), vec(scope_spans(), 0..3), text()).prop_map(
        |(resource, scope_spans, schema_url)| ResourceSpans {
            resource,
            scope_spans,
            schema_url,
        },
    )
}

fn resource() -> impl Strategy<Value = Resource> {
    (attributes(), any::<u32>(), vec(text(), 0..2)).prop_map(
        |(attributes, dropped_attributes_count, kinds)| {
            let entity = |kind: String| EntityRef {
                schema_url: String::new(),
                r#type: kind.clone(),
                id_keys: vec![kind],
                description_keys: vec![],
            };
            Resource {
                attributes,
                dropped_attributes_count,
                entity_refs: kinds.into_iter().map(entity).collect(),
            }
        },
    )
}

fn scope_spans() -> impl Strategy<Value = ScopeSpans> {
    (proptest::option::of(scope()), vec(span(), 0..4), text()).prop_map(|(scope, spans, schema_url)| {
        ScopeSpans {
            scope,
            spans,
            schema_url,
        }
    })
}

fn scope() -> impl Strategy<Value = InstrumentationScope> {
    (text(), text(), attributes(), any::<u32>()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    let identity = (id(16), id(8), prop_oneof![Just(vec![]), id(8)], text(), text());
    let times = (1..=LATEST, 0..=LATEST, any::<i32>(), any::<u32>());
    let lists = (
        attributes(),
        vec(event(), 0..3),
        vec(link(), 0..3),
        any::<[u32; 3]>(),
    );
    (
        identity,
        times,
        lists,
        proptest::option::of((text(), any::<i32>())),
    )
        .prop_map(
            |((trace_id, span_id, parent_span_id, trace_state, name), times, lists, status)| {
                let (start_time_unix_nano, end_time_unix_nano, kind, flags) = times;
                let (attributes, events, links, dropped) = lists;
                Span {
                    trace_id,
                    span_id,
                    trace_state,
                    parent_span_id,
                    flags,
                    name,
                    kind,
                    start_time_unix_nano,
                    end_time_unix_nano,
                    attributes,
                    dropped_attributes_count: dropped[0],
                    events,
                    dropped_events_count: dropped[1],
                    links,
                    dropped_links_count: dropped[2],
                    status: status.map(|(message, code)| Status { message, code }),
                }
            },
        )
}

fn id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), length).prop_filter("ids are not zero", |id| id.iter().any(|byte| *byte != 0))
}

fn event() -> impl Strategy<Value = Event> {
    (0..=LATEST, text(), attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    (
        vec(any::<u8>(), 0..20),
        vec(any::<u8>(), 0..10),
        text(),
        attributes(),
        any::<[u32; 2]>(),
    )
        .prop_map(|(trace_id, span_id, trace_state, attributes, numbers)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count: numbers[0],
            flags: numbers[1],
        })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(key_value(any_value()), 0..4)
}

fn key_value(value: impl Strategy<Value = AnyValue>) -> impl Strategy<Value = KeyValue> {
    (text(), value).prop_map(|(key, value)| KeyValue {
        key,
        value: Some(value),
        ..KeyValue::default()
    })
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        text().prop_map(|value| Some(any_value::Value::StringValue(value))),
        any::<bool>().prop_map(|value| Some(any_value::Value::BoolValue(value))),
        any::<i64>().prop_map(|value| Some(any_value::Value::IntValue(value))),
        // What is not a number is never equal to itself; unit tests have it.
        any::<f64>()
            .prop_filter("numbers only", |value| !value.is_nan())
            .prop_map(|value| Some(any_value::Value::DoubleValue(value))),
        vec(any::<u8>(), 0..9).prop_map(|value| Some(any_value::Value::BytesValue(value))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| any_value::Value::ArrayValue(ArrayValue { values })),
            vec(key_value(inner), 0..4)
                .prop_map(|values| any_value::Value::KvlistValue(KeyValueList { values })),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z.]{1,12}", ".{0,12}", "\\PC{120,200}"]
}

/// The same message with its fields in another order, fields that no schema knows among them, and its
/// embedded messages treated alike. Occurrences of one field keep their order.
pub(super) fn scramble(message: &[u8], kind: Kind, seed: u64) -> Vec<u8> {
    let mut random = seed;
    let mut fields: Vec<(u64, u32, Vec<u8>)> = Vec::new();
    for field in Fields::new(message).map(Result::unwrap) {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let rank = fields
            .iter()
            .rev()
            .find(|known| known.1 == field.number)
            .map_or(0, |known| known.0);
        let mut encoder = Encoder::default();
        match field.value {
            Value::Varint(value) => encoder.varint(field.number, value),
            Value::Fixed64(value) => encoder.fixed64(field.number, value),
            Value::Fixed32(value) => encoder.fixed32(field.number, value),
            Value::Group => unreachable!("the generated types write no groups"),
            Value::Bytes(bytes) => match kind.child(field.number) {
                Some(child) => encoder.bytes(field.number, &scramble(bytes, child, random)),
                None => encoder.bytes(field.number, bytes),
            },
        }
        if random >> 62 == 0 {
            encoder.bytes(1_000 + field.number, b"unknown");
            encoder.varint(2_000, random);
        }
        // A rank that never falls keeps the occurrences of one number in order.
        fields.push((rank.max(random >> 33), field.number, encoder.into_bytes()));
    }
    fields.sort_by_key(|field| field.0);
    fields.into_iter().flat_map(|field| field.2).collect()
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Request,
    ResourceSpans,
    ScopeSpans,
    Span,
    Leaf,
}

impl Kind {
    fn child(self, number: u32) -> Option<Self> {
        match (self, number) {
            (Self::Request, 1) => Some(Self::ResourceSpans),
            (Self::ResourceSpans, 2) => Some(Self::ScopeSpans),
            (Self::ScopeSpans, 2) => Some(Self::Span),
            (Self::ResourceSpans | Self::ScopeSpans, 1) | (Self::Span, 11 | 13 | 15) => Some(Self::Leaf),
            _ => None,
        }
    }
}
