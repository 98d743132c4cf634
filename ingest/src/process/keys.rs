//! Which rules a key is subject to. Keys repeat in every span, so what was found is remembered.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use brokle_model::telemetry_settings::RedactionRule;
use regex::Regex;

/// Keys remembered at once; a sender that makes them up must not fill memory.
const REMEMBERED_MAX: usize = 4096;
/// Longer keys are not remembered.
const REMEMBERED_BYTES_MAX: usize = 256;

/// What rules say about one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The first rule that means the whole value.
    pub(super) whole: Option<u8>,
    /// Rules, a bit for each, that mean parts of values of this key.
    pub(super) parts: u128,
}

/// A pattern with `*` for any text; without regard to ASCII case.
#[derive(Debug)]
pub(crate) struct Glob {
    pieces: Vec<Vec<u8>>,
}

/// The keys of all rules.
#[derive(Debug)]
pub(super) struct Keys {
    /// Each pattern with its rule, and whether the rule means the whole value.
    globs: Vec<(Glob, u8, bool)>,
    /// Finds what a text must have for one of the keys to be in it; absent when a key may be anything.
    literals: Option<Regex>,
    remembered: RwLock<HashMap<Box<[u8]>, Verdict>>,
}

impl Keys {
    /// The keys of `rules`, of which there are at most 128.
    pub(super) fn new(rules: &[RedactionRule]) -> Self {
        let globs = rules.iter().zip(0_u8..128).flat_map(|(rule, number)| {
            let is_whole = rule.value.is_none();
            rule.keys
                .iter()
                .map(move |key| (Glob::new(key), number, is_whole))
        });
        let globs: Vec<_> = globs.collect();
        Self {
            literals: literals(&globs),
            globs,
            remembered: RwLock::default(),
        }
    }

    /// Whether a JSON document may have members that the rules mean.
    pub(super) fn may_be_in(&self, document: &str) -> bool {
        let found = || {
            self.literals
                .as_ref()
                .is_none_or(|literals| literals.is_match(document))
        };
        !self.globs.is_empty() && found()
    }

    /// What the rules say about `key`.
    pub(super) fn verdict(&self, key: &[u8]) -> Verdict {
        if self.globs.is_empty() {
            return Verdict::default();
        }
        let remembered = self.remembered.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(verdict) = remembered.get(key) {
            return *verdict;
        }
        drop(remembered);
        let verdict = self.judge(key);
        if key.len() <= REMEMBERED_BYTES_MAX {
            let mut remembered = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
            if remembered.len() >= REMEMBERED_MAX {
                remembered.clear();
            }
            remembered.insert(key.into(), verdict);
        }
        verdict
    }

    fn judge(&self, key: &[u8]) -> Verdict {
        let mut verdict = Verdict::default();
        for (glob, number, is_whole) in &self.globs {
            if !glob.matches(key) {
                continue;
            }
            if *is_whole {
                verdict.whole = Some(verdict.whole.map_or(*number, |first| first.min(*number)));
            } else {
                verdict.parts |= 1 << number;
            }
        }
        verdict
    }
}

/// An expression for the longest literal of each pattern.
fn literals(globs: &[(Glob, u8, bool)]) -> Option<Regex> {
    let longest = globs.iter().map(|(glob, ..)| {
        let piece = glob.pieces.iter().max_by_key(|piece| piece.len())?;
        let piece = std::str::from_utf8(piece)
            .ok()
            .filter(|piece| !piece.is_empty())?;
        Some(regex::escape(piece))
    });
    let alternatives = longest.collect::<Option<Vec<String>>>()?.join("|");
    // Without Unicode's other letters for `k` and `s` the search is a fast one.
    let flags = if alternatives.is_ascii() { "i-u" } else { "i" };
    Regex::new(&format!("(?{flags}:{alternatives})")).ok()
}

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        let pieces = pattern.to_ascii_lowercase();
        Self {
            pieces: pieces.split('*').map(|piece| piece.as_bytes().to_vec()).collect(),
        }
    }

    pub(crate) fn matches(&self, key: &[u8]) -> bool {
        let key = key.to_ascii_lowercase();
        let [first, rest @ ..] = self.pieces.as_slice() else {
            return false;
        };
        let Some(mut left) = key.strip_prefix(first.as_slice()) else {
            return false;
        };
        let Some((last, middle)) = rest.split_last() else {
            return left.is_empty();
        };
        for piece in middle {
            let Some(at) = memchr::memmem::find(left, piece) else {
                return false;
            };
            left = &left[at + piece.len()..];
        }
        left.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text_and_case_does_not_count() {
        for (pattern, key, expected) in [
            ("user.email", "user.email", true),
            ("user.email", "User.Email", true),
            ("user.email", "user.emails", false),
            ("user.*", "user.", true),
            ("user.*", "users.name", false),
            ("*password*", "db.Password.hash", true),
            ("*password*", "passphrase", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("*", "", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(key.as_bytes()),
                expected,
                "{pattern} {key}"
            );
        }
    }

    #[test]
    fn a_document_without_the_literals_of_the_keys_has_none_of_them() {
        let keys = |patterns: &[&str]| {
            Keys::new(&[RedactionRule {
                keys: patterns.iter().map(|key| (*key).to_owned()).collect(),
                ..RedactionRule::default()
            }])
        };
        let some = keys(&["*pass.word*", "user.*"]);
        assert!(some.may_be_in(r#"{"my_Pass.Word": 1}"#));
        assert!(some.may_be_in(r#"{"user.name": 1}"#));
        assert!(!some.may_be_in(r#"{"my_passxword": 1, "users": 2}"#));
        assert!(keys(&["*"]).may_be_in("{}"));
        assert!(!keys(&[]).may_be_in(r#"{"a": 1}"#));
    }

    #[test]
    fn the_first_rule_for_the_whole_value_counts_and_all_for_its_parts() {
        let rule = |keys: &[&str], value: Option<&str>| RedactionRule {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            value: value.map(str::to_owned),
            ..RedactionRule::default()
        };
        let keys = Keys::new(&[
            rule(&["a.*"], Some("x")),
            rule(&["b", "a.secret"], None),
            rule(&["*"], Some("y")),
            rule(&["a.*"], None),
        ]);
        for _ in 0..2 {
            let verdict = keys.verdict(b"a.secret");
            assert_eq!((verdict.whole, verdict.parts), (Some(1), 0b101));
            assert_eq!(keys.verdict(b"c").whole, None);
        }
        for number in 0..3 * REMEMBERED_MAX {
            keys.verdict(format!("k{number}").as_bytes());
        }
        assert!(keys.remembered.read().unwrap().len() <= REMEMBERED_MAX);
    }
}
