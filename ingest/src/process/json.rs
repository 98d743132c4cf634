//! JSON documents in text: walked token by token and written again, so that they stay documents.
//!
//! Everything is copied as it stands but for the strings and numbers that are replaced. [`is_one`] checks the
//! whole document first; the walk relies on that for its depth, too.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::keys::Verdict;
use super::redact::{Outcome, Redactor, Work};

/// Shorter numbers are no number that a pattern knows.
const NUMBER_BYTES_MIN: usize = 8;

/// Whether `text` may be an object or a list.
pub(super) fn begins_like_one(text: &str) -> bool {
    let first = text.bytes().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'['))
}

/// Whether `text` is a JSON document.
pub(super) fn is_one(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Redacts the strings and numbers of a document; `None` when nothing changes. `verdict` is that of the key
/// under which the document stands.
pub(super) fn redact(
    redactor: &Redactor,
    verdict: Verdict,
    text: &str,
    depth: u8,
    work: &mut Work,
) -> Option<String> {
    let mut walk = Walk {
        redactor,
        text,
        at: 0,
        copied: 0,
        depth,
        out: String::new(),
        work,
    };
    walk.value(verdict);
    if walk.copied == 0 {
        return None;
    }
    let rest = text.get(walk.copied..).unwrap_or_default();
    walk.out.push_str(rest);
    Some(walk.out)
}

struct Walk<'a> {
    redactor: &'a Redactor,
    text: &'a str,
    at: usize,
    /// How much of the text is in `out` already, or replaced there.
    copied: usize,
    depth: u8,
    out: String,
    work: &'a mut Work,
}

impl<'a> Walk<'a> {
    fn value(&mut self, verdict: Verdict) {
        self.skip_space();
        if let Some(rule) = verdict.whole {
            return self.whole(rule);
        }
        match self.peek() {
            b'{' => self.object(verdict),
            b'[' => self.list(verdict),
            b'"' => {
                let (start, decoded) = self.string();
                let outcome = self.redactor.nested(verdict, &decoded, self.depth, self.work);
                self.put(start, outcome);
            }
            b'0'..=b'9' | b'-' => self.number(verdict),
            // true, false, null.
            _ => self.skip_literal(),
        }
    }

    fn object(&mut self, verdict: Verdict) {
        self.at += 1;
        loop {
            self.skip_space();
            match self.peek() {
                b'"' => {}
                b',' => {
                    self.at += 1;
                    continue;
                }
                _ => break,
            }
            let (start, key) = self.string();
            let own = self.redactor.verdict(key.as_bytes());
            let outcome = self.redactor.nested(Verdict::default(), &key, u8::MAX, self.work);
            self.put(start, outcome);
            self.skip_space();
            // The colon.
            self.at += 1;
            self.value(Verdict {
                whole: own.whole,
                parts: own.parts | verdict.parts,
            });
        }
        self.at += 1;
    }

    fn list(&mut self, verdict: Verdict) {
        self.at += 1;
        loop {
            self.skip_space();
            match self.peek() {
                b']' | 0 => break,
                b',' => self.at += 1,
                _ => self.value(verdict),
            }
        }
        self.at += 1;
    }

    fn number(&mut self, verdict: Verdict) {
        let start = self.at;
        self.skip_literal();
        if self.at - start < NUMBER_BYTES_MIN && !self.redactor.looks_into(verdict) {
            return;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let outcome = self.redactor.nested(verdict, text, u8::MAX, self.work);
        self.put(start, outcome);
    }

    /// Replaces a whole value, whatever it is.
    fn whole(&mut self, rule: u8) {
        let start = self.at;
        self.skip_value();
        let text = self.text.get(start..self.at).unwrap_or_default();
        let decoded = serde_json::from_str::<String>(text).map_or(Cow::Borrowed(text), Cow::Owned);
        let outcome = self.redactor.whole(rule, &decoded, self.work);
        self.put(start, outcome);
    }

    /// Puts what came of a value in the place of the text from `start` to here.
    fn put(&mut self, start: usize, outcome: Outcome) {
        let instead = match outcome {
            Outcome::Kept => return,
            Outcome::Text(text) => serde_json::to_string(&text).unwrap_or_else(|_| "null".to_owned()),
            // A name cannot be null, and an empty one says as little.
            Outcome::Dropped if self.is_name() => "\"\"".to_owned(),
            Outcome::Dropped => "null".to_owned(),
        };
        self.out
            .push_str(self.text.get(self.copied..start).unwrap_or_default());
        self.out.push_str(&instead);
        self.copied = self.at;
    }

    /// Whether what ends here is the name of a member.
    fn is_name(&self) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while self.peek().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    fn skip_literal(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        self.at += rest.iter().take_while(|byte| is_part(byte)).count().max(1);
    }

    /// Passes a string; returns where it starts and what it says.
    fn string(&mut self) -> (usize, Cow<'a, str>) {
        let start = self.at;
        self.skip_string();
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        if !inner.contains('\\') {
            return (start, Cow::Borrowed(inner));
        }
        // A lone surrogate has no text; as it stands it is looked at all the same.
        let decoded = serde_json::from_str::<String>(quoted);
        (start, decoded.map_or(Cow::Borrowed(inner), Cow::Owned))
    }

    fn skip_string(&mut self) {
        self.at += 1;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let Some(next) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.text.len();
                return;
            };
            self.at += next + 1;
            if rest.get(next) == Some(&b'"') {
                return;
            }
            self.at += 1;
        }
    }

    fn skip_value(&mut self) {
        let mut open = 0_usize;
        loop {
            self.skip_space();
            match self.peek() {
                0 => return,
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    open = open.saturating_sub(1);
                    self.at += 1;
                }
                b'"' => self.skip_string(),
                b',' | b':' => self.at += 1,
                _ => self.skip_literal(),
            }
            if open == 0 {
                return;
            }
        }
    }
}
