//! W3C trace context: read from the caller, passed on to the provider with the attempt's own span id.
//! A malformed header is ignored, as the specification asks, and the call starts a trace of its own.

use brokle_model::id::{SpanId, TraceId};
use http::{HeaderMap, HeaderValue};

/// Longest `tracestate` kept; the specification asks for at least 512.
const TRACE_STATE_BYTES_MAX: usize = 4096;
const SAMPLED: u8 = 1;
/// OTLP's flag that says the next one is known.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// The trace that a call belongs to.
#[derive(Debug, Clone)]
pub(crate) struct TraceContext {
    pub(crate) trace: TraceId,
    /// The caller's span, when it sent one.
    pub(crate) parent: Option<SpanId>,
    flags: u8,
    pub(crate) state: String,
}

impl TraceContext {
    /// The caller's trace, or a new one.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let caller = headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok())
            .and_then(parse);
        match caller {
            Some((trace, parent, flags)) => Self {
                trace,
                parent: Some(parent),
                flags,
                state: state(headers),
            },
            None => Self {
                trace: TraceId::generate(),
                parent: None,
                flags: SAMPLED,
                state: String::new(),
            },
        }
    }

    /// The same trace, for what is done under `span`.
    pub(crate) fn child_of(&self, span: SpanId) -> Self {
        Self {
            parent: Some(span),
            ..self.clone()
        }
    }

    /// The header for a request made by `span`.
    pub(crate) fn traceparent(&self, span: SpanId) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("00-{}-{span}-{:02x}", self.trace, self.flags)).ok()
    }

    /// OTLP flags of the call's own span: its parent, when there is one, is in another process.
    pub(crate) fn server_flags(&self) -> u32 {
        let remote = if self.parent.is_some() { IS_REMOTE } else { 0 };
        u32::from(self.flags) | HAS_IS_REMOTE | remote
    }

    /// OTLP flags of a span whose parent is the call's own.
    pub(crate) fn client_flags(&self) -> u32 {
        u32::from(self.flags) | HAS_IS_REMOTE
    }
}

fn parse(text: &str) -> Option<(TraceId, SpanId, u8)> {
    let mut fields = text.trim().split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let lower_hex = |field: &str, length| {
        field.len() == length
            && field
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let well_formed = lower_hex(version, 2)
        && version != "ff"
        && lower_hex(trace, 32)
        && lower_hex(parent, 16)
        && lower_hex(flags, 2)
        && (version != "00" || fields.next().is_none());
    if !well_formed {
        return None;
    }
    let (trace, parent): (TraceId, SpanId) = (trace.parse().ok()?, parent.parse().ok()?);
    let flags = u8::from_str_radix(flags, 16).ok()?;
    (!trace.is_zero() && !parent.is_zero()).then_some((trace, parent, flags))
}

/// Several headers are one list.
fn state(headers: &HeaderMap) -> String {
    let lists: Vec<&str> = headers
        .get_all("tracestate")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(str::trim)
        .collect();
    let joined = lists.join(",");
    if joined.len() > TRACE_STATE_BYTES_MAX {
        String::new()
    } else {
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn context(traceparent: &'static str) -> TraceContext {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_static(traceparent));
        headers.append("tracestate", HeaderValue::from_static("a=1"));
        headers.append("tracestate", HeaderValue::from_static("b=2"));
        TraceContext::from_headers(&headers)
    }

    #[test]
    fn the_callers_trace_is_continued() {
        let context = context(PARENT);
        assert_eq!(context.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.parent.unwrap().to_string(), "00f067aa0ba902b7");
        assert_eq!(context.state, "a=1,b=2");
        assert_eq!(context.server_flags(), 0x301);
        assert_eq!(context.client_flags(), 0x101);
        let span = SpanId::from_bytes([1; 8]);
        let expected = "00-4bf92f3577b34da6a3ce929d0e0e4736-0101010101010101-01";
        assert_eq!(context.traceparent(span).unwrap(), expected);
    }

    #[test]
    fn a_malformed_header_starts_a_new_trace_without_its_state() {
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
        ] {
            let context = context(text);
            assert!(context.parent.is_none() && context.state.is_empty(), "{text}");
            assert_eq!(context.server_flags(), 0x101);
        }
    }

    #[test]
    fn a_later_version_may_carry_more_fields() {
        assert!(
            context("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more")
                .parent
                .is_some()
        );
    }
}
