//! Callers' ids as OpenTelemetry's. An id that is one already stays; a UUID is a trace id with dashes; any other
//! text is hashed together with the project, so that the same text names the same thing in every request. The
//! original is kept beside it as a field.

use brokle_model::id::{ProjectId, SpanId, TraceId};
use sha2::{Digest, Sha256};

/// The longest id of a caller's own.
pub const EXTERNAL_ID_BYTES_MAX: usize = 256;

/// The trace that `id` names.
pub fn trace_id(project: ProjectId, id: &str) -> TraceId {
    let hex = if is_uuid(id) {
        id.replace('-', "")
    } else {
        id.to_owned()
    };
    match hex.parse::<TraceId>() {
        Ok(trace) if !trace.is_zero() => trace,
        _ => TraceId::from_bytes(hashed(project, "trace", id)),
    }
}

/// The observation that `id` names.
pub fn span_id(project: ProjectId, id: &str) -> SpanId {
    match id.parse::<SpanId>() {
        Ok(span) if !span.is_zero() => span,
        _ => SpanId::from_bytes(hashed(project, "observation", id)),
    }
}

/// The observation that stands for a trace as a whole.
pub fn root_of(project: ProjectId, trace: TraceId) -> SpanId {
    SpanId::from_bytes(hashed(project, "root", &trace.to_string()))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn hashed<const N: usize>(project: ProjectId, kind: &str, id: &str) -> [u8; N] {
    let digest: [u8; 32] = Sha256::digest(format!("{project}\0{kind}\0{id}")).into();
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest[..N]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: ProjectId = ProjectId::from_u128(7);

    #[test]
    fn ids_of_opentelemetry_stay_as_they_are() {
        let hex = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_id(PROJECT, hex).to_string(), hex);
        assert_eq!(trace_id(PROJECT, &hex.to_uppercase()).to_string(), hex);
        assert_eq!(
            trace_id(PROJECT, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736").to_string(),
            hex
        );
        assert_eq!(
            span_id(PROJECT, "00f067aa0ba902b7").to_string(),
            "00f067aa0ba902b7"
        );
    }

    #[test]
    fn any_other_id_names_the_same_thing_each_time_and_only_in_its_project() {
        assert_eq!(trace_id(PROJECT, "order 17"), trace_id(PROJECT, "order 17"));
        assert_ne!(trace_id(PROJECT, "order 17"), trace_id(PROJECT, "order 18"));
        assert_ne!(
            trace_id(PROJECT, "order 17"),
            trace_id(ProjectId::from_u128(8), "order 17")
        );
        assert_ne!(span_id(PROJECT, "step"), span_id(ProjectId::from_u128(8), "step"));
        assert!(!trace_id(PROJECT, &"0".repeat(32)).is_zero());
    }
}
