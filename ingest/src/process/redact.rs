//! Rules and patterns, applied to one value at a time.
//!
//! A value that is a JSON document stays one: its strings and numbers are looked at one by one, by the key that
//! they stand under, and what is put in their place is quoted as JSON asks ([`super::json`]).

use std::borrow::Cow;

use brokle_model::id::ProjectId;
use brokle_model::pattern::{Finding, Scanner};
use brokle_model::telemetry_settings::{Action, Redaction, compile_value};
use regex::Regex;
use sha2::{Digest as _, Sha256};

use super::json;
use super::keys::{Keys, Verdict};

/// JSON in strings of JSON is followed so deep.
const NESTED_MAX: u8 = 4;
/// Bytes of a hash that are written.
const HASH_BYTES: usize = 8;

/// Keeps hashes from being looked up: whoever has it can try values.
#[derive(Clone)]
pub struct HashKey([u8; 32]);

impl HashKey {
    /// A key from a secret of the installation.
    pub fn new(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    fn of(&self, project: ProjectId) -> Self {
        let digest = Sha256::new()
            .chain_update(self.0)
            .chain_update(project.as_u128().to_le_bytes());
        Self(digest.finalize().into())
    }

    fn hash(&self, text: &str) -> String {
        let digest = Sha256::new()
            .chain_update(self.0)
            .chain_update(text.as_bytes())
            .finalize();
        format!("hash:{}", hex::encode(&digest[..HASH_BYTES]))
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("HashKey")
    }
}

/// What becomes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It stays.
    Kept,
    /// This stands in its place.
    Text(String),
    /// The attribute is left out.
    Dropped,
}

#[derive(Debug)]
struct Rule {
    name: String,
    value: Option<Regex>,
    action: Action,
    replacement: Option<String>,
}

/// A project's rules and patterns, compiled.
#[derive(Debug)]
pub(super) struct Redactor {
    rules: Vec<Rule>,
    /// Rules, a bit for each, that look into every value.
    everywhere: u128,
    keys: Keys,
    patterns: Scanner,
    action: Action,
    hash_key: HashKey,
}

impl Redactor {
    /// Compiles rules that were checked when they were saved; one that cannot be compiled all the same redacts
    /// whole values rather than nothing.
    pub(super) fn new(redaction: &Redaction, project: ProjectId, hash_key: &HashKey) -> Self {
        let mut everywhere = 0;
        let mut rules = Vec::with_capacity(redaction.rules.len());
        for (rule, number) in redaction.rules.iter().zip(0_u8..128) {
            if rule.keys.is_empty() {
                everywhere |= 1 << number;
            }
            rules.push(Rule {
                name: rule.name.clone(),
                value: rule.value.as_ref().and_then(|value| compile_value(value).ok()),
                action: rule.action,
                replacement: rule.replacement.clone(),
            });
        }
        Self {
            rules,
            everywhere,
            keys: Keys::new(&redaction.rules),
            patterns: Scanner::new(redaction.patterns.iter().copied(), Vec::new()),
            action: redaction.action,
            hash_key: hash_key.of(project),
        }
    }

    /// What rules say about `key`.
    pub(super) fn verdict(&self, key: &[u8]) -> Verdict {
        self.keys.verdict(key)
    }

    /// Whether a project's own rules look into a value.
    pub(super) fn looks_into(&self, verdict: Verdict) -> bool {
        verdict.parts | self.everywhere != 0
    }

    /// A value that is meant as a whole, whatever its type; `text` is what a hash is made of.
    pub(super) fn whole(&self, rule: u8, text: &str, work: &mut Work) -> Outcome {
        let Some(rule) = self.rules.get(usize::from(rule)) else {
            return Outcome::Kept;
        };
        work.redactions += 1;
        match rule.action {
            Action::Drop => Outcome::Dropped,
            _ => Outcome::Text(self.instead(rule, text)),
        }
    }

    /// The text of a value.
    pub(super) fn text(&self, verdict: Verdict, text: &str, work: &mut Work) -> Outcome {
        self.nested(verdict, text, 0, work)
    }

    /// [`Self::text`] of JSON in `depth` strings of JSON.
    pub(super) fn nested(&self, verdict: Verdict, text: &str, depth: u8, work: &mut Work) -> Outcome {
        if let Some(rule) = verdict.whole {
            return self.whole(rule, text, work);
        }
        let parts = verdict.parts | self.everywhere;
        if depth < NESTED_MAX && json::begins_like_one(text) {
            if !self.may_concern(parts, text) {
                return Outcome::Kept;
            }
            if json::is_one(text) {
                let redacted = json::redact(self, verdict, text, depth + 1, work);
                return redacted.map_or(Outcome::Kept, Outcome::Text);
            }
        }
        self.plain(parts, text, work)
    }

    /// Whether it is worth taking a JSON document apart: its text holds something that a rule or pattern could
    /// mean, or that an escape could hide.
    fn may_concern(&self, parts: u128, text: &str) -> bool {
        if self.keys.may_be_in(text) || memchr::memmem::find(text.as_bytes(), b"\\u").is_some() {
            return true;
        }
        let is_escaped = parts != 0 && text.contains('\\');
        is_escaped
            || !self.patterns.find(&without_escapes(text)).is_empty()
            || self.chosen(parts).any(|rule| rule.is_in(text))
    }

    /// A text that is no JSON, or a string of JSON, decoded.
    fn plain(&self, parts: u128, text: &str, work: &mut Work) -> Outcome {
        let mut current: Option<String> = None;
        for rule in self.chosen(parts) {
            let subject = current.as_deref().unwrap_or(text);
            let Some(value) = &rule.value else { continue };
            if !value.is_match(subject) {
                continue;
            }
            work.redactions += 1;
            if rule.action == Action::Drop {
                return Outcome::Dropped;
            }
            let replaced = value.replace_all(subject, |found: &regex::Captures<'_>| {
                self.instead(rule, &found[0])
            });
            current = Some(replaced.into_owned());
        }
        let subject = current.as_deref().unwrap_or(text);
        let found = self.patterns.find(subject);
        let outcome = self.patterned(subject, &found);
        work.redactions += found.len() as u64;
        match (outcome, current) {
            (Outcome::Kept, Some(current)) => Outcome::Text(current),
            (outcome, _) => outcome,
        }
    }

    fn patterned(&self, text: &str, found: &[Finding]) -> Outcome {
        if found.is_empty() {
            return Outcome::Kept;
        }
        if self.action == Action::Drop {
            return Outcome::Dropped;
        }
        let mut out = String::with_capacity(text.len() + 16);
        let mut from = 0;
        for Finding { start, end, pattern } in found {
            let (Some(before), Some(part)) = (text.get(from..*start), text.get(*start..*end)) else {
                continue;
            };
            out.push_str(before);
            match self.action {
                Action::Hash => out.push_str(&self.hash_key.hash(part)),
                _ => mark(self.patterns.name(*pattern), &mut out),
            }
            from = *end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Outcome::Text(out)
    }

    fn chosen(&self, parts: u128) -> impl Iterator<Item = &Rule> {
        let numbered = self.rules.iter().enumerate();
        let parts = if parts == 0 { None } else { Some(parts) };
        parts
            .into_iter()
            .flat_map(move |parts| {
                numbered
                    .clone()
                    .filter(move |(number, _)| parts & (1 << number) != 0)
            })
            .map(|(_, rule)| rule)
    }

    fn instead(&self, rule: &Rule, text: &str) -> String {
        match (rule.action, &rule.replacement) {
            (Action::Hash, _) => self.hash_key.hash(text),
            (_, Some(replacement)) => replacement.clone(),
            _ => {
                let mut out = String::new();
                mark(&rule.name, &mut out);
                out
            }
        }
    }
}

impl Rule {
    fn is_in(&self, text: &str) -> bool {
        self.value.as_ref().is_some_and(|value| value.is_match(text))
    }
}

/// The text of a JSON document with spaces for its escapes, so that none of them looks like the beginning of a word.
fn without_escapes(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        out.push_str("  ");
        let behind = escape
            .char_indices()
            .nth(2)
            .map_or(escape.len(), |(behind, _)| behind);
        rest = &escape[behind..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn mark(name: &str, out: &mut String) {
    out.push_str("[REDACTED:");
    out.push_str(name);
    out.push(']');
}

/// What the work on one request has come to.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Values, and parts of them, made unreadable.
    pub(super) redactions: u64,
    /// Values that were cut.
    pub(super) truncated: u64,
    /// Items left out by the sample.
    pub(super) sampled: u32,
}
