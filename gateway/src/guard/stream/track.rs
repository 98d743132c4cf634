//! One text that grows, under all rules at once: what they find, and how much of the text is decided for all of them.
//!
//! In arguments, which are JSON, each string is a text of its own, read without its escapes; what is found is told in
//! places of the arguments as they are written. So neither an escape nor a string's end is ever cut.

use std::collections::VecDeque;

use brokle_model::pattern::window::Window;
use brokle_model::pattern::{Finding, Pattern};

use crate::guard::place::Form;
use crate::guard::rule::Rule;
use std::sync::Arc;

/// Longer numbers are not looked at.
const NUMBER_BYTES_MAX: usize = 64;

/// What a rule found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// By its place among the rules.
    pub(super) rule: usize,
    pub(super) pattern: Pattern,
    pub(super) start: usize,
    pub(super) end: usize,
    /// It is not within quotes, where a placeholder must bring its own.
    pub(super) is_bare: bool,
}

/// A text under the rules.
#[derive(Debug)]
pub(super) enum Track {
    Plain(Windows),
    Json(Box<Arguments>),
}

impl Track {
    pub(super) fn new(form: Form, rules: usize) -> Self {
        match form {
            Form::Plain | Form::Sealed => Self::Plain(Windows::new(rules)),
            Form::Json => Self::Json(Box::new(Arguments::new(rules))),
        }
    }

    pub(super) fn push(&mut self, rules: &[Arc<Rule>], piece: &str) -> Vec<Found> {
        match self {
            Self::Plain(windows) => windows.push(rules, piece, &|finding| (finding.start, finding.end)),
            Self::Json(arguments) => arguments.push(rules, piece),
        }
    }

    pub(super) fn finish(&mut self, rules: &[Arc<Rule>]) -> Vec<Found> {
        match self {
            Self::Plain(windows) => windows.finish(rules, &|finding| (finding.start, finding.end)),
            Self::Json(arguments) => arguments.finish(rules),
        }
    }

    pub(super) fn settled(&self) -> usize {
        match self {
            Self::Plain(windows) => windows.settled(),
            Self::Json(arguments) => arguments.settled(),
        }
    }
}

/// A window for each rule.
#[derive(Debug)]
pub(super) struct Windows(Vec<Window>);

impl Windows {
    fn new(rules: usize) -> Self {
        Self(std::iter::repeat_with(Window::default).take(rules).collect())
    }

    fn push(&mut self, rules: &[Arc<Rule>], piece: &str, place: Place<'_>) -> Vec<Found> {
        self.each(rules, place, |window, rule| {
            window.push(&rule.scanner, piece, &|_, text| rule.counts(text))
        })
    }

    fn finish(&mut self, rules: &[Arc<Rule>], place: Place<'_>) -> Vec<Found> {
        self.each(rules, place, |window, rule| {
            window.finish(&rule.scanner, &|_, text| rule.counts(text))
        })
    }

    fn each(
        &mut self,
        rules: &[Arc<Rule>],
        place: Place<'_>,
        mut step: impl FnMut(&mut Window, &Rule) -> Vec<Finding>,
    ) -> Vec<Found> {
        let mut all = Vec::new();
        for (index, (window, rule)) in self.0.iter_mut().zip(rules).enumerate() {
            let found = step(window, rule).into_iter().map(|finding| {
                let (start, end) = place(&finding);
                Found {
                    rule: index,
                    pattern: finding.pattern,
                    start,
                    end,
                    is_bare: false,
                }
            });
            all.extend(found);
        }
        all
    }

    fn settled(&self) -> usize {
        self.0.iter().map(Window::settled).min().unwrap_or(usize::MAX)
    }
}

/// Where a finding is, in the places of the text as it is written.
type Place<'a> = &'a dyn Fn(&Finding) -> (usize, usize);

/// A tool call's arguments.
#[derive(Debug)]
pub(super) struct Arguments {
    rules: usize,
    /// Bytes read so far.
    length: usize,
    state: State,
    settled: usize,
}

#[derive(Debug)]
enum State {
    /// Between values.
    Outside,
    Number {
        start: usize,
        text: String,
    },
    String(Box<Inside>),
}

/// A string in the making.
#[derive(Debug)]
struct Inside {
    windows: Windows,
    /// Characters read and not yet given to the windows.
    fresh: String,
    /// Where each undecided character begins: in the string's text, and in the arguments as written.
    places: VecDeque<(usize, usize)>,
    /// Length of the string's text.
    length: usize,
    /// An escape that is not complete, and where it began.
    escape: String,
    escape_start: usize,
}

impl Arguments {
    fn new(rules: usize) -> Self {
        Self {
            rules,
            length: 0,
            state: State::Outside,
            settled: 0,
        }
    }

    fn push(&mut self, rules: &[Arc<Rule>], piece: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for character in piece.chars() {
            let at = self.length;
            self.length += character.len_utf8();
            self.read(rules, character, at, &mut found);
        }
        match &mut self.state {
            State::Outside => self.settled = self.length,
            State::Number { start, .. } => self.settled = *start,
            State::String(inside) => {
                found.extend(inside.look(rules, self.length));
                self.settled = inside.settled(self.length);
            }
        }
        found
    }

    fn read(&mut self, rules: &[Arc<Rule>], character: char, at: usize, found: &mut Vec<Found>) {
        match &mut self.state {
            State::String(inside) => {
                if !inside.read(character, at) {
                    return;
                }
                found.extend(inside.finish(rules, at));
                self.state = State::Outside;
            }
            State::Number { text, .. } if is_number(character) => {
                if text.len() < NUMBER_BYTES_MAX {
                    text.push(character);
                }
            }
            State::Number { .. } | State::Outside => {
                self.end_number(rules, at, found);
                self.state = match character {
                    '"' => State::String(Box::new(Inside::new(self.rules))),
                    '-' | '0'..='9' => State::Number {
                        start: at,
                        text: character.to_string(),
                    },
                    _ => State::Outside,
                };
            }
        }
    }

    fn end_number(&mut self, rules: &[Arc<Rule>], end: usize, found: &mut Vec<Found>) {
        let State::Number { start, text } = &self.state else {
            return;
        };
        let mut windows = Windows::new(self.rules);
        let place = |_: &Finding| (*start, end);
        let mut hits = windows.push(rules, text, &place);
        hits.extend(windows.finish(rules, &place));
        found.extend(hits.into_iter().map(|hit| Found { is_bare: true, ..hit }));
    }

    fn finish(&mut self, rules: &[Arc<Rule>]) -> Vec<Found> {
        let mut found = Vec::new();
        let end = self.length;
        self.end_number(rules, end, &mut found);
        if let State::String(inside) = &mut self.state {
            found.extend(inside.finish(rules, end));
        }
        self.state = State::Outside;
        self.settled = end;
        found
    }

    const fn settled(&self) -> usize {
        self.settled
    }
}

const fn is_number(character: char) -> bool {
    matches!(character, '0'..='9' | '.' | '-' | '+' | 'e' | 'E')
}

impl Inside {
    fn new(rules: usize) -> Self {
        Self {
            windows: Windows::new(rules),
            fresh: String::new(),
            places: VecDeque::new(),
            length: 0,
            escape: String::new(),
            escape_start: 0,
        }
    }

    /// Reads a character of the string as written. Returns whether it was the quote that ends it.
    fn read(&mut self, character: char, at: usize) -> bool {
        if self.escape.is_empty() {
            match character {
                '"' => return true,
                '\\' => {
                    self.escape.push(character);
                    self.escape_start = at;
                }
                _ => self.add(character, at),
            }
            return false;
        }
        self.escape.push(character);
        if let Some(meant) = meaning(&self.escape) {
            self.escape.clear();
            let start = self.escape_start;
            for character in meant.chars() {
                self.add(character, start);
            }
        }
        false
    }

    fn add(&mut self, character: char, at: usize) {
        self.places.push_back((self.length, at));
        self.fresh.push(character);
        self.length += character.len_utf8();
    }

    fn look(&mut self, rules: &[Arc<Rule>], end: usize) -> Vec<Found> {
        let fresh = std::mem::take(&mut self.fresh);
        self.places.make_contiguous();
        let places = self.places.as_slices().0;
        let end = if self.escape.is_empty() {
            end
        } else {
            self.escape_start
        };
        let place = |finding: &Finding| {
            (
                written(places, finding.start, end),
                written(places, finding.end, end),
            )
        };
        let found = self.windows.push(rules, &fresh, &place);
        self.forget();
        found
    }

    fn finish(&mut self, rules: &[Arc<Rule>], end: usize) -> Vec<Found> {
        let mut found = self.look(rules, end);
        self.places.make_contiguous();
        let places = self.places.as_slices().0;
        let place = |finding: &Finding| {
            (
                written(places, finding.start, end),
                written(places, finding.end, end),
            )
        };
        found.extend(self.windows.finish(rules, &place));
        found
    }

    /// Drops the places of what is decided.
    fn forget(&mut self) {
        let settled = self.windows.settled();
        while self.places.front().is_some_and(|(place, _)| *place < settled) {
            self.places.pop_front();
        }
    }

    fn settled(&self, end: usize) -> usize {
        let first = self.places.front().map(|(_, at)| *at);
        let escape = (!self.escape.is_empty()).then_some(self.escape_start);
        first.or(escape).unwrap_or(end)
    }
}

/// Where the character at `place` of a string begins as written; the end for what lies behind the last.
fn written(places: &[(usize, usize)], place: usize, end: usize) -> usize {
    let index = places.partition_point(|(known, _)| *known < place);
    places.get(index).map_or(end, |(_, at)| *at)
}

/// What an escape stands for; nothing while it is not complete. One that means nothing stands for itself.
fn meaning(escape: &str) -> Option<String> {
    let bytes = escape.as_bytes();
    if bytes[1] != b'u' {
        let decoded = serde_json::from_str(&format!("\"{escape}\""));
        return Some(decoded.unwrap_or_else(|_| escape.to_owned()));
    }
    if bytes.len() < 6 {
        return None;
    }
    let first = u32::from_str_radix(escape.get(2..6).unwrap_or_default(), 16);
    let is_high = first.is_ok_and(|unit| (0xD800..0xDC00).contains(&unit));
    let goes_on =
        is_high && bytes.len() < 12 && "\\u".starts_with(escape.get(6..8.min(bytes.len())).unwrap_or("x"));
    if goes_on {
        return None;
    }
    let decoded = serde_json::from_str(&format!("\"{escape}\""));
    Some(decoded.unwrap_or_else(|_| "\u{FFFD}".to_owned()))
}
