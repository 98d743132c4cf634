//! What a streamed answer sent to its caller, recorded as it goes, to be kept when it is complete.

use bytes::{Bytes, BytesMut};

use super::{Keeping, Origin};
use crate::sse;

/// A recording in progress.
pub(crate) struct Tape {
    keeping: Keeping,
    said: BytesMut,
    /// Known when the answer is complete.
    origin: Option<Origin>,
}

impl Tape {
    pub(crate) fn new(keeping: Keeping) -> Self {
        Self {
            keeping,
            said: BytesMut::new(),
            origin: None,
        }
    }

    /// Takes what went out. Returns whether the recording is worth going on.
    pub(crate) fn record(&mut self, out: &Bytes) -> bool {
        if out.as_ref() != sse::KEEPALIVE {
            self.said.extend_from_slice(out);
        }
        self.said.len() <= self.keeping.entry_bytes_max
    }

    /// The answer is complete; what is held may still be on its way out.
    pub(crate) fn complete(&mut self, origin: Origin) {
        self.origin = Some(origin);
    }

    /// Keeps the recording, when the answer was complete.
    pub(crate) fn keep(self) {
        if let Some(origin) = self.origin {
            self.keeping.keep(origin, self.said.freeze());
        }
    }
}
