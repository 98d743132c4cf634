//! OTLP/JSON to protobuf. The generated types' reader, which is stricter than the specification in places and
//! laxer in others, is the second opinion where both accept.

use brokle_ingest::otlp::json::{has_resource_spans, to_protobuf};
use brokle_model::telemetry::Signal;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::{otlp_protobuf, rebuild};

/// Takes any bytes.
pub fn run(bytes: &[u8]) {
    has_resource_spans(bytes);
    let Ok(body) = to_protobuf(Signal::Traces, bytes) else {
        return;
    };
    assert!(
        body.len() <= bytes.len(),
        "the receiver reserves no more than the text's length"
    );
    if let Ok(generated) = serde_json::from_slice::<ExportTraceServiceRequest>(bytes)
        && !has_repeated_keys(bytes)
    {
        let expected = format!("{:?}", rebuild::without_distinctions(generated));
        assert_eq!(format!("{:?}", rebuild::request(&body)), expected);
    }
    otlp_protobuf::run(&body);
}

/// Which of two equal keys counts is open: JSON does not say.
fn has_repeated_keys(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let kept = serde_json::from_str::<serde_json::Value>(&text).map(|value| value.to_string());
    let keys = |text: &str| text.matches(':').count();
    kept.is_ok_and(|kept| keys(&kept) < keys(&text))
}
