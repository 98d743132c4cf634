//! A user's own expressions: bounded when they are made, and linear in the text when they are used.
//!
//! Beside the expression itself there is an automaton of it that is asked, at each of the last positions of a text that
//! is still growing, whether a match that begins there is still possible. So a stream holds back what may become a
//! match, and nothing else.

use std::sync::{Mutex, PoisonError};

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, nfa::thompson};

/// Bytes that an expression may take when compiled.
const COMPILED_BYTES_MAX: usize = 1 << 20;
const PATTERN_BYTES_MAX: usize = 64 << 10;
/// Bytes that a match of an expression without an end may have while a text grows.
const SPAN_BYTES_DEFAULT: usize = 256;
const SPAN_BYTES_MAX: usize = 4 << 10;
const NAME_CHARS_MAX: usize = 40;

/// Why an expression cannot be used. Written for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is not one.
    #[error("`{name}` is not a usable regular expression: {reason}")]
    Expression {
        /// The expression's name.
        name: String,
        /// What the compiler says.
        reason: String,
    },
    /// It finds something everywhere.
    #[error("`{0}` matches the empty text: make it name at least one character")]
    Empty(String),
    /// Its name is no name.
    #[error("`{0}` cannot name an expression: use 1 to {NAME_CHARS_MAX} lower-case letters, digits or `_`")]
    Name(String),
    /// A list of words that has none.
    #[error("`{0}` lists no word")]
    NoWords(String),
}

/// One expression, with its name and what stands in the place of its findings.
pub struct Custom {
    name: String,
    placeholder: String,
    regex: Regex,
    alive: DFA,
    cache: Mutex<Cache>,
    span_bytes: usize,
}

impl std::fmt::Debug for Custom {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Custom")
            .field("name", &self.name)
            .field("span_bytes", &self.span_bytes)
            .finish_non_exhaustive()
    }
}

impl Custom {
    /// An expression, as Rust's `regex` has them: no look-around, and no back references.
    pub fn regex(name: &str, expression: &str) -> Result<Self, PatternError> {
        let is_name = (1..=NAME_CHARS_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !is_name {
            return Err(PatternError::Name(name.to_owned()));
        }
        let wrong = |reason: String| PatternError::Expression {
            name: name.to_owned(),
            reason,
        };
        if expression.len() > PATTERN_BYTES_MAX {
            return Err(wrong(format!("it has more than {PATTERN_BYTES_MAX} bytes")));
        }
        let config = Regex::config()
            .nfa_size_limit(Some(COMPILED_BYTES_MAX))
            .utf8_empty(true);
        let regex = Regex::builder()
            .configure(config)
            .build(expression)
            .map_err(|error| wrong(told(&error)))?;
        let hir = regex_syntax::parse(expression).map_err(|error| wrong(error.to_string()))?;
        if hir.properties().minimum_len() == Some(0) {
            return Err(PatternError::Empty(name.to_owned()));
        }
        let span_bytes = hir.properties().maximum_len().unwrap_or(SPAN_BYTES_DEFAULT);
        let alive = DFA::builder()
            .configure(
                DFA::config()
                    .match_kind(MatchKind::All)
                    .unicode_word_boundary(true)
                    .skip_cache_capacity_check(true),
            )
            .syntax(syntax::Config::new())
            .thompson(thompson::Config::new().nfa_size_limit(Some(COMPILED_BYTES_MAX)))
            .build(expression)
            .map_err(|error| wrong(error.to_string()))?;
        let cache = Mutex::new(alive.create_cache());
        Ok(Self {
            name: name.to_owned(),
            placeholder: format!("[{}]", name.to_uppercase()),
            regex,
            alive,
            cache,
            // A character more than the match: what follows it may decide a word's end.
            span_bytes: span_bytes.min(SPAN_BYTES_MAX) + 4,
        })
    }

    /// Any of these words or phrases, whatever the case, as whole words.
    pub fn words<T: AsRef<str>>(name: &str, words: &[T]) -> Result<Self, PatternError> {
        let phrases: Vec<String> = words
            .iter()
            .filter_map(|word| phrase(word.as_ref().trim()))
            .collect();
        if phrases.is_empty() {
            return Err(PatternError::NoWords(name.to_owned()));
        }
        Self::regex(name, &format!("(?i)(?:{})", phrases.join("|")))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn placeholder(&self) -> &str {
        &self.placeholder
    }

    pub(super) fn find(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        for place in self.regex.find_iter(text) {
            found(place.start(), place.end());
        }
    }

    /// The first position from which a match may still come about, or grow.
    pub(super) fn open_from(&self, text: &str) -> usize {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let least = text.len().saturating_sub(self.span_bytes);
        (least..text.len())
            .filter(|&start| text.is_char_boundary(start))
            .find(|&start| self.may_go_on(&mut cache, text, start))
            .unwrap_or(text.len())
    }

    /// Whether the automaton, begun at `start`, is alive at the end of the text. One that gives up may be.
    fn may_go_on(&self, cache: &mut Cache, text: &str, start: usize) -> bool {
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        let Ok(mut state) = self.alive.start_state_forward(cache, &input) else {
            return true;
        };
        for &byte in &text.as_bytes()[start..] {
            let Ok(next) = self.alive.next_state(cache, state, byte) else {
                return true;
            };
            state = next;
            if state.is_dead() {
                return false;
            }
            if state.is_quit() {
                return true;
            }
        }
        !is_over(state)
    }
}

fn is_over(state: LazyStateID) -> bool {
    state.is_dead()
}

/// A phrase as an expression; nothing when it is empty. Any run of white space fits its own.
fn phrase(words: &str) -> Option<String> {
    let first = words.chars().next()?;
    let last = words.chars().next_back()?;
    let edge = |end: char| {
        if end.is_alphanumeric() || end == '_' {
            r"\b"
        } else {
            ""
        }
    };
    let parts: Vec<String> = words.split_whitespace().map(regex_syntax::escape).collect();
    Some(format!("{}{}{}", edge(first), parts.join(r"\s{1,4}"), edge(last)))
}

/// The innermost reason, which is the one that helps.
fn told(error: &regex_automata::meta::BuildError) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}
