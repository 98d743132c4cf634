//! Lists of quality scores.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brokle_model::id::{ProjectId, SpanId, TraceId};

use super::{InvalidCursor, TimeRange};

/// Scores on a page when the caller does not say, and at most.
pub const SCORES_DEFAULT: usize = 100;
/// The most scores on a page.
pub const SCORES_MAX: usize = 1_000;

const VERSION: u8 = 1;

/// One page of a project's scores, newest first.
#[derive(Debug, Clone)]
pub struct ScoreList {
    /// Whose.
    pub project: ProjectId,
    /// When they were given; `None` for any time, which only a list of one trace's may ask.
    pub range: Option<TimeRange>,
    /// Only those of this trace.
    pub trace: Option<TraceId>,
    /// Only those of this observation.
    pub observation: Option<SpanId>,
    /// Only those of this session.
    pub session: Option<String>,
    /// Only those of this name.
    pub name: Option<String>,
    /// Only those from there: `api`, `code`, `llm` or `human`.
    pub source: Option<String>,
    /// Only those of this type.
    pub data_type: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<IdCursor>,
    /// Scores on the page.
    pub limit: usize,
}

/// A place in the order of time and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdCursor {
    /// Nanoseconds since 1970.
    pub start_ns: i64,
    /// The id.
    pub id: String,
}

impl IdCursor {
    /// The text that callers send back.
    pub fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.start_ns.to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (version, rest) = bytes.split_first().ok_or(InvalidCursor)?;
        let (start, id) = rest.split_first_chunk::<8>().ok_or(InvalidCursor)?;
        if *version != VERSION {
            return Err(InvalidCursor);
        }
        Ok(Self {
            start_ns: i64::from_be_bytes(*start),
            id: String::from_utf8(id.to_vec()).map_err(|_| InvalidCursor)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(start_ns: i64, id in ".*") {
            let cursor = IdCursor { start_ns, id };
            prop_assert_eq!(IdCursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn other_texts_are_refused_without_panic(text in any::<String>()) {
            let _ = IdCursor::decode(&text);
        }
    }
}
