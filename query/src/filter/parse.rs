//! Text to [`Filter`]: one pass over the characters, no backtracking, and every refusal says where.

use std::ops::Range;

use rust_decimal::Decimal;

use super::ast::{
    Comparison, Condition, Field, Filter, IdPattern, NumberField, Pattern, Status, Term, TextField,
};
use super::error::{FilterError, FilterProblem};
use super::{FILTER_CHARS_MAX, TERMS_MAX, TEXT_TERMS_MAX, VALUES_MAX, number};

impl Filter {
    /// Reads a filter. The empty text is the empty filter.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let chars: Vec<char> = text.chars().collect();
        if chars.len() > FILTER_CHARS_MAX {
            return Err(FilterError {
                span: FILTER_CHARS_MAX..chars.len(),
                problem: FilterProblem::TooLong,
            });
        }
        Parser { chars: &chars, at: 0 }.filter()
    }
}

struct Parser<'a> {
    chars: &'a [char],
    at: usize,
}

/// A value as written: its text, whether each end is open, and where it stands.
struct Written {
    text: String,
    open_start: bool,
    open_end: bool,
    quoted: bool,
    span: Range<usize>,
}

type Parsed<T> = Result<T, FilterError>;

impl Parser<'_> {
    fn filter(mut self) -> Parsed<Filter> {
        let mut filter = Filter::default();
        let mut texts = 0;
        while self.skip_spaces() {
            let start = self.at;
            let term = self.term()?;
            texts += usize::from(matches!(term.condition, Condition::Text(_)));
            if filter.terms.len() == TERMS_MAX {
                return Err(self.since(start, FilterProblem::TooManyTerms));
            }
            if texts > TEXT_TERMS_MAX {
                return Err(self.since(start, FilterProblem::TooManyTexts));
            }
            filter.terms.push(term);
        }
        Ok(filter)
    }

    /// Moves to the next term; false at the end.
    fn skip_spaces(&mut self) -> bool {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        self.peek().is_some()
    }

    fn term(&mut self) -> Parsed<Term> {
        let start = self.at;
        let negated = self.take('-');
        if negated && self.at_boundary() {
            return Err(self.since(start, FilterProblem::LoneMinus));
        }
        let condition = match self.field_name() {
            Some(name) => self.field_condition(&name)?,
            None => self.text()?,
        };
        Ok(Term { negated, condition })
    }

    /// The word before a `:`, if the term has that form; leaves the position behind the colon.
    fn field_name(&mut self) -> Option<Range<usize>> {
        let rest = &self.chars[self.at..];
        let length = rest
            .iter()
            .position(|c| c.is_whitespace() || matches!(c, ':' | '"'))?;
        if rest[length] != ':' || length == 0 {
            return None;
        }
        let name = self.at..self.at + length;
        self.at = name.end + 1;
        Some(name)
    }

    fn field_condition(&mut self, name: &Range<usize>) -> Parsed<Condition> {
        let word: String = self.chars[name.clone()].iter().collect();
        let unknown = || FilterError {
            span: name.clone(),
            problem: FilterProblem::UnknownField(word.clone()),
        };
        let field = Field::find(&word).ok_or_else(unknown)?;
        if self.at_boundary() {
            let problem = FilterProblem::MissingValue(field.name());
            return Err(FilterError {
                span: name.start..self.at,
                problem,
            });
        }
        match field {
            Field::Status => Ok(Condition::Status(self.each(field, status)?)),
            Field::Id => Ok(Condition::Id(self.each(field, id)?)),
            Field::Text(text_field) => Ok(Condition::Matches(
                text_field,
                self.each(field, |written| pattern(text_field, written))?,
            )),
            Field::Number(number) => Ok(Condition::Compares(number, self.comparison(number)?)),
        }
    }

    fn comparison(&mut self, field: NumberField) -> Parsed<Comparison> {
        let greater = self.take('>');
        if !greater && !self.take('<') {
            return Ok(Comparison::OneOf(
                self.each(Field::Number(field), |value| number_of(field, value))?,
            ));
        }
        let inclusive = self.take('=');
        let bound = number_of(field, &self.value(Field::Number(field))?)?;
        if !self.at_boundary() {
            let problem = FilterProblem::NotANumber(Field::Number(field).name(), self.rest_of_term());
            return Err(self.since(self.at, problem));
        }
        Ok(match (greater, inclusive) {
            (true, true) => Comparison::AtLeast(bound),
            (true, false) => Comparison::Greater(bound),
            (false, true) => Comparison::AtMost(bound),
            (false, false) => Comparison::Less(bound),
        })
    }

    /// Values separated by commas, each read by `read`.
    fn each<T>(&mut self, field: Field, read: impl Fn(&Written) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut values = Vec::new();
        loop {
            let written = self.value(field)?;
            if values.len() == VALUES_MAX {
                return Err(FilterError {
                    span: written.span,
                    problem: FilterProblem::TooManyValues,
                });
            }
            values.push(read(&written)?);
            if !self.take(',') {
                break;
            }
        }
        if self.at_boundary() {
            Ok(values)
        } else {
            Err(self.since(self.at, FilterProblem::StrayQuote))
        }
    }

    fn value(&mut self, field: Field) -> Parsed<Written> {
        let start = self.at;
        let star = self.take('*');
        let quoted = self.peek() == Some('"');
        let text = if quoted { self.quoted()? } else { self.bare_value() };
        let (text, open_end) = match text.strip_suffix('*') {
            Some(text) if !quoted => (text.to_owned(), true),
            _ => (text, quoted && self.take('*')),
        };
        if !quoted && !star && !open_end && text.is_empty() {
            return Err(self.since(start, FilterProblem::MissingValue(field.name())));
        }
        let presence = text.is_empty() && (star || open_end);
        let (open_start, open_end) = if presence { (true, true) } else { (star, open_end) };
        Ok(Written {
            text,
            open_start,
            open_end,
            quoted,
            span: start..self.at,
        })
    }

    fn bare_value(&mut self) -> String {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| !c.is_whitespace() && !matches!(c, ',' | '"'))
        {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    /// A quoted text, the position standing on its first quote.
    fn quoted(&mut self) -> Parsed<String> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' => match self.peek() {
                    Some(escaped @ ('"' | '\\')) => {
                        text.push(escaped);
                        self.at += 1;
                    }
                    _ => return Err(self.since(self.at - 1, FilterProblem::BadEscape)),
                },
                other => text.push(other),
            }
        }
        Err(self.since(start, FilterProblem::OpenQuote))
    }

    fn text(&mut self) -> Parsed<Condition> {
        let start = self.at;
        let text = if self.peek() == Some('"') {
            self.quoted()?
        } else {
            self.bare_text()?
        };
        if !self.at_boundary() {
            return Err(self.since(self.at, FilterProblem::StrayQuote));
        }
        if !text.chars().any(char::is_alphanumeric) {
            return Err(self.since(start, FilterProblem::NothingToFind));
        }
        Ok(Condition::Text(text))
    }

    fn bare_text(&mut self) -> Parsed<String> {
        let start = self.at;
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace()) {
            match c {
                '"' => return Err(self.since(self.at, FilterProblem::StrayQuote)),
                '*' => return Err(self.since(self.at, FilterProblem::WildcardInText)),
                _ => self.at += 1,
            }
        }
        Ok(self.chars[start..self.at].iter().collect())
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    fn at_boundary(&self) -> bool {
        self.peek().is_none_or(char::is_whitespace)
    }

    fn rest_of_term(&self) -> String {
        self.chars[self.at..]
            .iter()
            .take_while(|c| !c.is_whitespace())
            .collect()
    }

    /// An error from `start` to the present position, and at least one character long.
    fn since(&self, start: usize, problem: FilterProblem) -> FilterError {
        FilterError {
            span: start..self.at.max(start + 1),
            problem,
        }
    }
}

impl Written {
    fn refused(&self, problem: FilterProblem) -> FilterError {
        FilterError {
            span: self.span.clone(),
            problem,
        }
    }

    fn has_wildcard(&self) -> bool {
        self.open_start || self.open_end
    }
}

fn status(written: &Written) -> Parsed<Status> {
    if written.has_wildcard() {
        return Err(written.refused(FilterProblem::NoWildcard("status")));
    }
    let found = Status::ALL
        .into_iter()
        .find(|status| status.as_str().eq_ignore_ascii_case(&written.text));
    found.ok_or_else(|| written.refused(FilterProblem::UnknownStatus(written.text.clone())))
}

fn id(written: &Written) -> Parsed<IdPattern> {
    let hex = written.text.to_ascii_lowercase();
    let is_hex = !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (is_hex, hex.len(), written.open_start, written.open_end) {
        (true, 32, false, false) => Ok(IdPattern::Trace(hex)),
        (true, 16, false, false) => Ok(IdPattern::Observation(hex)),
        (true, 1..=31, false, true) => Ok(IdPattern::TracePrefix(hex)),
        _ => Err(written.refused(FilterProblem::NotAnId(written.text.clone()))),
    }
}

fn pattern(field: TextField, written: &Written) -> Parsed<Pattern> {
    if !written.quoted && !written.open_start && written.text.starts_with(['<', '>']) {
        return Err(written.refused(FilterProblem::NotComparable(Field::Text(field).name())));
    }
    Ok(Pattern {
        text: written.text.clone(),
        open_start: written.open_start,
        open_end: written.open_end,
    })
}

fn number_of(field: NumberField, written: &Written) -> Parsed<Decimal> {
    let name = Field::Number(field).name();
    if written.has_wildcard() {
        return Err(written.refused(FilterProblem::NoWildcard(name)));
    }
    let parsed = number::parse(field, &written.text);
    parsed.ok_or_else(|| written.refused(FilterProblem::NotANumber(name, written.text.clone())))
}
