//! A filter as text: the canonical spelling, which [`Filter::parse`] reads back to the same filter.

use std::fmt::{self, Write};

use super::ast::{Comparison, Condition, Field, Filter, IdPattern, NumberField, Pattern, Term};
use super::number;

impl fmt::Display for Filter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                out.write_char(' ')?;
            }
            term.fmt(out)?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            out.write_char('-')?;
        }
        match &self.condition {
            Condition::Text(text) => text_term(out, text),
            Condition::Status(values) => {
                list(out, Field::Status, values, |status| status.as_str().to_owned())
            }
            Condition::Id(values) => list(out, Field::Id, values, print_id),
            Condition::Matches(field, values) => list(out, Field::Text(*field), values, print_pattern),
            Condition::Compares(field, comparison) => compares(out, *field, comparison),
        }
    }
}

fn text_term(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let special = |c: char| c.is_whitespace() || matches!(c, '"' | ':' | '*' | '\\');
    let plain = !text.is_empty() && !text.starts_with('-') && !text.contains(special);
    if plain {
        out.write_str(text)
    } else {
        out.write_str(&quoted(text))
    }
}

fn list<T>(
    out: &mut fmt::Formatter<'_>,
    field: Field,
    values: &[T],
    print: impl Fn(&T) -> String,
) -> fmt::Result {
    let values: Vec<String> = values.iter().map(print).collect();
    write!(out, "{}:{}", field.name(), values.join(","))
}

fn print_id(id: &IdPattern) -> String {
    match id {
        IdPattern::Trace(hex) | IdPattern::Observation(hex) => hex.clone(),
        IdPattern::TracePrefix(hex) => format!("{hex}*"),
    }
}

fn print_pattern(pattern: &Pattern) -> String {
    if pattern.is_presence() {
        return "*".to_owned();
    }
    let star = |open: bool| if open { "*" } else { "" };
    format!(
        "{}{}{}",
        star(pattern.open_start),
        value(&pattern.text),
        star(pattern.open_end)
    )
}

fn value(text: &str) -> String {
    let special = |c: char| c.is_whitespace() || matches!(c, '"' | ',' | '*' | '\\');
    let plain = !text.is_empty() && !text.starts_with(['<', '>']) && !text.contains(special);
    if plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn compares(out: &mut fmt::Formatter<'_>, field: NumberField, comparison: &Comparison) -> fmt::Result {
    let (operator, numbers) = match comparison {
        Comparison::OneOf(values) => ("", values.as_slice()),
        Comparison::Greater(bound) => (">", std::slice::from_ref(bound)),
        Comparison::AtLeast(bound) => (">=", std::slice::from_ref(bound)),
        Comparison::Less(bound) => ("<", std::slice::from_ref(bound)),
        Comparison::AtMost(bound) => ("<=", std::slice::from_ref(bound)),
    };
    let numbers: Vec<String> = numbers.iter().map(|value| number::print(field, *value)).collect();
    write!(
        out,
        "{}:{operator}{}",
        Field::Number(field).name(),
        numbers.join(",")
    )
}
