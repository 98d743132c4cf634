//! Where a page ended. Opaque to callers and versioned, so that its content may change; it names a place in
//! the order and not a count, so rows that arrive meanwhile shift nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brokle_model::id::{SpanId, TraceId};

const VERSION: u8 = 1;
const BYTES: usize = 1 + 8 + 16 + 8;

/// A place in the order of start time, trace and span. The order is total: no two rows share a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Nanoseconds since 1970.
    pub start_ns: i64,
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
}

/// A text that no page ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that this list gave out; start again without it")]
pub struct InvalidCursor;

impl Cursor {
    /// The place before everything that starts at `start_ns`.
    pub const fn before(start_ns: i64) -> Self {
        Self {
            start_ns,
            trace: TraceId::from_bytes([0; 16]),
            span: SpanId::from_bytes([0; 8]),
        }
    }

    /// The text that callers send back.
    pub fn encode(self) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.start_ns.to_be_bytes());
        bytes.extend_from_slice(self.trace.as_bytes());
        bytes.extend_from_slice(self.span.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (version, rest) = bytes.split_first().ok_or(InvalidCursor)?;
        let (start, rest) = rest.split_first_chunk::<8>().ok_or(InvalidCursor)?;
        let (trace, rest) = rest.split_first_chunk::<16>().ok_or(InvalidCursor)?;
        let span: [u8; 8] = rest.try_into().map_err(|_| InvalidCursor)?;
        if *version != VERSION {
            return Err(InvalidCursor);
        }
        let start_ns = i64::from_be_bytes(*start);
        Ok(Self {
            start_ns,
            trace: TraceId::from_bytes(*trace),
            span: SpanId::from_bytes(span),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(start_ns: i64, trace: [u8; 16], span: [u8; 8]) {
            let cursor = Cursor { start_ns, trace: TraceId::from_bytes(trace), span: SpanId::from_bytes(span) };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn other_texts_are_refused_without_panic(text in any::<String>()) {
            prop_assert_eq!(Cursor::decode(&text), Err(InvalidCursor));
        }
    }

    #[test]
    fn a_cursor_of_another_version_is_refused() {
        let text = Cursor::before(7).encode();
        let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        bytes[0] = VERSION + 1;
        assert_eq!(Cursor::decode(&URL_SAFE_NO_PAD.encode(bytes)), Err(InvalidCursor));
    }
}
