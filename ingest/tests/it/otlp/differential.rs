//! For any bytes, the reader here and the generated one agree.

use brokle_ingest::otlp::json::{has_resource_spans, to_protobuf};
use brokle_ingest::otlp::json_write::{events_json, links_json};
use brokle_ingest::otlp::span::SpanView;
use brokle_ingest::otlp::validate::{Limits, validate};
use brokle_ingest::otlp::value::AnyValueView;
use brokle_ingest::otlp::view::{ExportView, ResourceGroupView};
use brokle_ingest::otlp::wire::Fields;
use brokle_model::telemetry::Signal;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;

use super::generate::{Kind, request, scramble};
use super::rebuild;

const LIMITS: Limits = Limits {
    earliest_unix_nano: 0,
    latest_unix_nano: u64::MAX,
};

fn span_count(request: &ExportTraceServiceRequest) -> usize {
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn views_read_what_the_generated_types_wrote(message in request(), seed in any::<u64>()) {
        let body = message.encode_to_vec();
        let expected = rebuild::without_distinctions(message);
        prop_assert_eq!(rebuild::request(&body), expected.clone());
        let scrambled = scramble(&body, Kind::Request, seed);
        prop_assert_eq!(ExportTraceServiceRequest::decode(&*scrambled).map(rebuild::without_distinctions), Ok(expected.clone()));
        prop_assert_eq!(rebuild::request(&scrambled), expected);
    }

    #[test]
    fn a_storable_request_passes_unchanged(message in request()) {
        let body = Bytes::from(message.encode_to_vec());
        let validated = validate(Signal::Traces, &body, LIMITS).unwrap();
        prop_assert_eq!(validated.accepted as usize, span_count(&message));
        prop_assert_eq!(validated.rejections.total(), 0);
        if validated.accepted > 0 {
            prop_assert_eq!(validated.body, body);
        }
    }

    #[test]
    fn concatenated_requests_are_one_request(first in request(), second in request()) {
        let mut body = first.encode_to_vec();
        body.extend(second.encode_to_vec());
        let mut both = rebuild::without_distinctions(first);
        both.resource_spans.extend(rebuild::without_distinctions(second).resource_spans);
        prop_assert_eq!(rebuild::request(&body), both);
    }

    #[test]
    fn what_passes_after_damage_is_what_the_generated_types_read(
        message in request(),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = message.encode_to_vec();
        prop_assume!(!body.is_empty());
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let generated = ExportTraceServiceRequest::decode(&*body);
        match validate(Signal::Traces, &Bytes::from(body.clone()), LIMITS) {
            Ok(validated) if validated.body == body => {
                let expected = generated.map(rebuild::without_distinctions).unwrap();
                // Not a number is not equal to itself, but its text is.
                prop_assert_eq!(format!("{:?}", rebuild::request(&body)), format!("{expected:?}"));
            }
            Ok(validated) => {
                // The rest is a request again, with exactly the spans that were accepted.
                let rest = rebuild::request(&validated.body);
                prop_assert_eq!(span_count(&rest), validated.accepted as usize);
                let again = validate(Signal::Traces, &validated.body, LIMITS).unwrap();
                prop_assert_eq!(again.rejections.total(), 0);
            }
            Err(_) => prop_assert!(generated.is_err(), "refused although the generated types read it"),
        }
    }

    #[test]
    fn json_of_the_generated_types_becomes_the_same_message(message in request()) {
        let text = serde_json::to_vec(&message).unwrap();
        let body = to_protobuf(Signal::Traces, &text).unwrap();
        let expected = rebuild::without_distinctions(message);
        prop_assert_eq!(rebuild::request(&body), expected);
        prop_assert!(has_resource_spans(&text));
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        read_everything(&bytes);
    }

    #[test]
    fn no_text_makes_the_transcoder_panic(text in "[\\[\\]{}:,\"a-zA-Z0-9.eE+\\-\\\\ ]{0,200}") {
        prop_assert!(to_protobuf(Signal::Traces, text.as_bytes()).map_or(true, |body| body.len() <= text.len()));
    }

    #[test]
    fn damaged_json_is_refused_or_read_but_never_panics(
        message in request(),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut text = serde_json::to_vec(&message).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(body) = to_protobuf(Signal::Traces, &text) {
            prop_assert!(body.len() <= text.len());
            prop_assert!(validate(Signal::Traces, &Bytes::from(body), LIMITS).is_ok());
        }
    }
}

/// Walks bytes as if they were each of the messages, as deep as it goes.
fn read_everything(bytes: &[u8]) {
    let fields = Fields::new(bytes).count();
    assert!(fields <= bytes.len());
    drop(validate(Signal::Traces, &Bytes::copy_from_slice(bytes), LIMITS));
    let spans: usize = ExportView::new(bytes)
        .resources()
        .flat_map(ResourceGroupView::scopes)
        .map(|scope| scope.spans().count())
        .sum();
    assert!(spans <= bytes.len());
    let span = SpanView::new(bytes);
    let mut out = Vec::new();
    events_json(span.events(), &mut out);
    links_json(span.links(), &mut out);
    brokle_ingest::otlp::json_write::attributes_json(span.attributes(), &mut out);
    brokle_ingest::otlp::json_write::any_value_json(AnyValueView::new(bytes), &mut out);
    assert!(!out.is_empty());
}
