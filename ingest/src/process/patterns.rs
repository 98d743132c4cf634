//! The built-in patterns, looked for by hand: each has a rare byte or literal that it cannot do without, and only
//! where one stands is anything looked at more closely. Text without any costs a fast pass over its bytes.
//!
//! - `words`: keys, tokens and certificates, which begin with a literal.
//! - `numbers`: cards, bank accounts, phones, social security numbers, and addresses of IP.
//!
//! Text of JSON may be searched as it stands, with its escapes: then a letter that belongs to an escape (`\n`)
//! counts as a boundary. Such a search may find more than there is, never less; what it finds is then looked at
//! in the decoded text.

mod numbers;
mod words;

use std::ops::Range;

use brokle_model::telemetry_settings::BuiltInPattern;

use words::Words;

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) pattern: BuiltInPattern,
    pub(super) range: Range<usize>,
}

/// A set of patterns, ready to search.
#[derive(Debug)]
pub(super) struct Patterns {
    enabled: u16,
    words: Option<Words>,
}

/// Text under search.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether it is JSON as it stands.
    pub(super) is_escaped: bool,
}

impl<'a> Text<'a> {
    /// Text as it reads.
    pub(super) fn plain(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            is_escaped: false,
        }
    }

    /// The text of a JSON document.
    pub(super) fn json(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            is_escaped: true,
        }
    }

    fn at(self, index: usize) -> u8 {
        self.bytes.get(index).copied().unwrap_or(0)
    }

    /// Whether a word may begin at `index`.
    fn begins_word(self, index: usize) -> bool {
        let Some(before) = index.checked_sub(1).map(|before| self.at(before)) else {
            return true;
        };
        if !is_word(before) {
            return true;
        }
        self.is_escaped
            && index >= 2
            && self.at(index - 2) == b'\\'
            && matches!(before, b'n' | b'r' | b't' | b'b' | b'f')
    }

    /// Whether a word may end before `index`.
    fn ends_word(self, index: usize) -> bool {
        !is_word(self.at(index))
    }
}

impl Patterns {
    pub(super) fn new(patterns: &[BuiltInPattern]) -> Self {
        let enabled = patterns.iter().fold(0, |bits, pattern| bits | bit(*pattern));
        let mut set = Self { enabled, words: None };
        set.words = Words::new(|pattern| set.has(pattern));
        set
    }

    pub(super) fn is_empty(&self) -> bool {
        self.enabled == 0
    }

    fn has(&self, pattern: BuiltInPattern) -> bool {
        self.enabled & bit(pattern) != 0
    }

    fn has_any(&self, patterns: &[BuiltInPattern]) -> bool {
        patterns.iter().any(|pattern| self.has(*pattern))
    }

    /// Everything in `text`, in order; of what overlaps, what begins first, and of those the longest.
    pub(super) fn find_all(&self, text: Text<'_>, found: &mut Vec<Found>) {
        found.clear();
        if self.is_empty() {
            return;
        }
        if let Some(words) = &self.words {
            words.find_all(text, found);
        }
        if self.has(BuiltInPattern::Email) {
            emails(text, found);
        }
        numbers::find_all(
            text,
            |pattern| self.has(pattern),
            self.has_any(&numbers::PATTERNS),
            found,
        );
        if found.len() < 2 {
            return;
        }
        found.sort_by(|one, other| {
            let key = |found: &Found| (found.range.start, std::cmp::Reverse(found.range.end));
            key(one).cmp(&key(other))
        });
        let mut end = 0;
        found.retain(|each| {
            let is_free = each.range.start >= end;
            if is_free {
                end = each.range.end;
            }
            is_free
        });
    }
}

fn bit(pattern: BuiltInPattern) -> u16 {
    BuiltInPattern::ALL
        .iter()
        .position(|known| *known == pattern)
        .map_or(0, |index| 1 << index)
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

const LOCAL_BYTES_MAX: usize = 64;

fn emails(text: Text<'_>, found: &mut Vec<Found>) {
    let bytes = text.bytes;
    for at in memchr::memchr_iter(b'@', bytes) {
        let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte);
        let local = bytes[..at]
            .iter()
            .rev()
            .take(LOCAL_BYTES_MAX)
            .take_while(|byte| is_local(byte));
        let start = at - local.count();
        // A dot or quote before the name is punctuation.
        let skipped = bytes[start..at]
            .iter()
            .take_while(|byte| !byte.is_ascii_alphanumeric())
            .count();
        let start = start + skipped;
        let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
        let domain = bytes[at + 1..]
            .iter()
            .take(255)
            .take_while(|byte| is_domain(byte))
            .count();
        let mut end = at + 1 + domain;
        while end > at + 1 && !bytes[end - 1].is_ascii_alphanumeric() {
            end -= 1;
        }
        let domain = &bytes[at + 1..end];
        let Some(dot) = memchr::memrchr(b'.', domain) else {
            continue;
        };
        let top = &domain[dot + 1..];
        let is_name = top.len() >= 2 && top.iter().all(u8::is_ascii_alphabetic);
        if start < at && dot > 0 && is_name {
            found.push(Found {
                pattern: BuiltInPattern::Email,
                range: start..end,
            });
        }
    }
}

#[cfg(test)]
mod tests;
