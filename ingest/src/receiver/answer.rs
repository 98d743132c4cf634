//! Message `ExportTraceServiceResponse`: empty when all was taken, and only then.

use serde_json::json;

use crate::otlp::encode::Encoder;
use crate::otlp::validate::Rejections;

/// The protobuf message.
pub fn to_protobuf(rejections: &Rejections) -> Vec<u8> {
    let mut out = Encoder::default();
    let rejected = rejections.total();
    if rejected > 0 {
        out.message(1, |partial| {
            partial.varint(1, u64::from(rejected));
            partial.bytes(2, rejections.message().as_bytes());
        });
    }
    out.into_bytes()
}

/// The JSON text.
pub fn to_json(rejections: &Rejections) -> Vec<u8> {
    let rejected = rejections.total();
    if rejected == 0 {
        return b"{}".to_vec();
    }
    // 64-bit integers are text in OTLP/JSON.
    let partial = json!({ "rejectedSpans": rejected.to_string(), "errorMessage": rejections.message() });
    json!({ "partialSuccess": partial }).to_string().into_bytes()
}
