//! Messages `ExportTraceServiceResponse`, `ExportLogsServiceResponse` and `ExportMetricsServiceResponse`, which
//! differ in the JSON name of one field only: empty when all was taken, and only then.

use brokle_model::telemetry::Signal;
use serde_json::json;

use crate::otlp::encode::Encoder;
use crate::otlp::rejections::Rejections;

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
    let count = match rejections.signal() {
        Signal::Traces | Signal::Changes => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
    };
    // 64-bit integers are text in OTLP/JSON.
    let partial = json!({ (count): rejected.to_string(), "errorMessage": rejections.message() });
    json!({ "partialSuccess": partial }).to_string().into_bytes()
}
