//! The filter language: one string that means the same in a URL, in the API and in the search bar.
//!
//! ```text
//! status:error model:gpt-4o,claude* -user:"Ada Lovelace" duration:>1.5s refund policy
//! ```
//!
//! Terms are separated by spaces and all must hold. `field:a,b` is any of; `-` negates a term; `>`, `>=`,
//! `<`, `<=` compare numbers; `*` at an end of a value stands for any text; quotes keep spaces and commas
//! inside a value. A bare word, or a quoted phrase, is looked for in the trace's name and in the inputs and
//! outputs of its observations.
//!
//! [`Filter::parse`] and its `Display` are inverse to each other, so a filter survives any number of trips
//! between a URL and a form. Deliberately absent: parentheses and OR across fields. What a filter *costs*
//! and how it becomes SQL is the matter of `sql`.

mod ast;
mod error;
mod number;
mod parse;
mod print;
#[cfg(test)]
mod tests;

pub use ast::{
    Comparison, Condition, FIELDS, Field, Filter, IdPattern, NumberField, Pattern, Status, Term, TextField,
};
pub use error::{FilterError, FilterProblem};

/// The longest filter, in characters.
pub const FILTER_CHARS_MAX: usize = 2_000;
/// The most terms in one filter.
pub const TERMS_MAX: usize = 20;
/// The most values in one term.
pub const VALUES_MAX: usize = 50;
/// The most full-text terms in one filter: each one is a search of its own.
pub const TEXT_TERMS_MAX: usize = 5;
