//! A text that arrives in pieces, scanned as it grows: it says what is found, once, and how much of it is decided.
//!
//! Offsets count from the beginning of the whole text. What is decided is dropped, but for a few bytes that tell what
//! stood before the rest.

use super::{Finding, Pattern, Scanner};

/// Bytes kept of what is decided: enough for any rule that looks behind.
const CONTEXT_BYTES: usize = 64;

/// Whether a finding counts, by its text: some addresses are nobody's secret.
pub type Counts<'a> = &'a dyn Fn(Pattern, &str) -> bool;

/// One growing text.
#[derive(Debug, Default)]
pub struct Window {
    text: String,
    /// Where `text` begins in the whole.
    base: usize,
    /// Up to where the whole is decided.
    settled: usize,
}

impl Window {
    /// Adds a piece. Returns the findings that this decided, in order.
    pub fn push(&mut self, scanner: &Scanner, piece: &str, counts: Counts<'_>) -> Vec<Finding> {
        self.text.push_str(piece);
        let findings = scanner.find(&self.text);
        let settled = self.base + scanner.settled(&self.text, &findings);
        self.decide(&findings, settled, counts)
    }

    /// The text is over: all of it is decided.
    pub fn finish(&mut self, scanner: &Scanner, counts: Counts<'_>) -> Vec<Finding> {
        let findings = scanner.find(&self.text);
        self.decide(&findings, self.base + self.text.len(), counts)
    }

    /// Up to where the text is decided.
    pub const fn settled(&self) -> usize {
        self.settled
    }

    /// How long the text is so far.
    pub fn len(&self) -> usize {
        self.base + self.text.len()
    }

    /// Whether nothing came yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn decide(&mut self, findings: &[Finding], settled: usize, counts: Counts<'_>) -> Vec<Finding> {
        let before = self.settled;
        // What was decided stays so, whatever a rule makes of the rest of it.
        self.settled = settled.max(before);
        let decided = findings
            .iter()
            .filter(|finding| {
                let start = self.base + finding.start;
                start >= before
                    && start < self.settled
                    && counts(finding.pattern, &self.text[finding.start..finding.end])
            })
            .map(|finding| Finding {
                start: self.base + finding.start,
                end: self.base + finding.end,
                pattern: finding.pattern,
            })
            .collect();
        self.forget();
        decided
    }

    fn forget(&mut self) {
        let mut from = (self.settled - self.base).saturating_sub(CONTEXT_BYTES);
        while !self.text.is_char_boundary(from) {
            from -= 1;
        }
        self.text.drain(..from);
        self.base += from;
    }
}
