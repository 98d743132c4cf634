//! What is wrong with a filter, where, and what to write instead.

use std::fmt;
use std::ops::Range;

use brokle_model::error::{Classify, ErrorKind};

use super::{FIELDS, FILTER_CHARS_MAX, TERMS_MAX, TEXT_TERMS_MAX, VALUES_MAX};

/// A text that is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, at character {}: {problem}", .span.start + 1)]
pub struct FilterError {
    /// The characters at fault, counted from 0 in Unicode scalar values.
    pub span: Range<usize>,
    /// What is wrong with them.
    pub problem: FilterProblem,
}

impl Classify for FilterError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        "invalid_filter"
    }
}

/// What can be wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterProblem {
    /// The whole is too long.
    TooLong,
    /// More terms than are taken.
    TooManyTerms,
    /// More full-text terms than are taken.
    TooManyTexts,
    /// More values in a term than are taken.
    TooManyValues,
    /// No such field.
    UnknownField(String),
    /// `field:` or a comma with nothing behind it.
    MissingValue(&'static str),
    /// A `-` with nothing behind it.
    LoneMinus,
    /// A quote that is never closed.
    OpenQuote,
    /// A quote in the middle of something.
    StrayQuote,
    /// A backslash before something other than `"` or `\`.
    BadEscape,
    /// A status that does not exist.
    UnknownStatus(String),
    /// Something that is not a number of the field's kind.
    NotANumber(&'static str, String),
    /// Something that is neither an id nor the beginning of one.
    NotAnId(String),
    /// `>` or `<` before a text field's value.
    NotComparable(&'static str),
    /// A `*` where only a fixed value is taken.
    NoWildcard(&'static str),
    /// A `*` in a full-text word.
    WildcardInText,
    /// Full text without any letter or digit.
    NothingToFind,
}

impl fmt::Display for FilterProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(out, "a filter may have {FILTER_CHARS_MAX} characters"),
            Self::TooManyTerms => write!(out, "a filter may have {TERMS_MAX} terms"),
            Self::TooManyTexts => write!(out, "a filter may search for {TEXT_TERMS_MAX} words or phrases"),
            Self::TooManyValues => write!(out, "a term may have {VALUES_MAX} values"),
            Self::UnknownField(name) => unknown_field(out, name),
            Self::MissingValue(field) => {
                write!(out, "`{field}:` needs a value, for example {}", example(field))
            }
            Self::LoneMinus => out.write_str("`-` must stand right before the term that it negates"),
            Self::OpenQuote => out.write_str("the quote is never closed"),
            Self::StrayQuote => {
                out.write_str("quotes must surround a whole value; write `\\\"` for one inside it")
            }
            Self::BadEscape => out.write_str("inside quotes, `\\` may only stand before `\"` or `\\`"),
            Self::UnknownStatus(word) => write!(out, "`{word}` is not a status; expected ok, error or unset"),
            Self::NotANumber(field, text) => {
                write!(
                    out,
                    "`{text}` is not {}; write for example {}",
                    expected(field),
                    example(field)
                )
            }
            Self::NotAnId(text) => write!(
                out,
                "`{text}` is not an id; expected 32 hex digits (a trace), 16 (an observation), or the first few and `*`"
            ),
            Self::NotComparable(field) => {
                write!(
                    out,
                    "`{field}` holds text and cannot be compared; quote the value if it starts with `<` or `>`"
                )
            }
            Self::NoWildcard(field) => write!(
                out,
                "`{field}` takes no `*`; write for example {}",
                example(field)
            ),
            Self::WildcardInText => out.write_str(
                "full-text search finds whole words and takes no `*`; use it in a value, as in name:check*",
            ),
            Self::NothingToFind => out.write_str("there is no letter or digit to search for"),
        }
    }
}

fn unknown_field(out: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    write!(out, "there is no field `{name}`")?;
    match nearest_field(name) {
        Some(nearest) => write!(out, "; did you mean `{nearest}`?")?,
        None => out.write_str(".")?,
    }
    let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    write!(
        out,
        " The fields are {}. To search for the text itself, put it in quotes",
        names.join(", ")
    )
}

const fn example(field: &str) -> &'static str {
    match field.as_bytes() {
        b"status" => "status:error",
        b"duration" => "duration:>1.5s",
        b"cost" => "cost:>=0.01",
        b"tokens" => "tokens:>1000",
        b"errors" => "errors:>0",
        b"id" => "id:4bf92f3577b34da6a3ce929d0e0e4736",
        b"model" => "model:gpt-4o*",
        b"environment" => "environment:production",
        _ => "name:\"my agent\"",
    }
}

const fn expected(field: &str) -> &'static str {
    match field.as_bytes() {
        b"duration" => "a duration",
        b"cost" => "an amount in US dollars",
        _ => "a whole number",
    }
}

/// Other words for fields that people try.
const SYNONYMS: [(&str, &str); 14] = [
    ("env", "environment"),
    ("latency", "duration"),
    ("error", "errors"),
    ("level", "status"),
    ("tags", "tag"),
    ("trace", "id"),
    ("trace_id", "id"),
    ("span_id", "id"),
    ("user_id", "user"),
    ("session_id", "session"),
    ("price", "cost"),
    ("total_cost", "cost"),
    ("service_name", "service"),
    ("kind", "type"),
];

fn nearest_field(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let synonym = SYNONYMS
        .iter()
        .find(|(word, _)| *word == name)
        .map(|(_, field)| *field);
    let close = || {
        let by_distance = FIELDS
            .iter()
            .map(|(field, _)| (edit_distance(&name, field), *field));
        by_distance
            .min()
            .filter(|(distance, field)| *distance <= 2 && *distance < field.len())
            .map(|(_, field)| field)
    };
    synonym.or_else(close)
}

fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substitution = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substitution.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
