//! As much of ClickHouse's SQL as the HTTP interface must understand: where a statement's data begins,
//! where its output can be redirected, and what kind of statement it is.
//!
//! Nothing is parsed that the engine parses anyway. When the reading here turns out wrong, the engine
//! answers with a syntax error and the caller runs the text as it came (see `execute`).
//!
//! - [`lexer`]: tokens, so that strings, comments and brackets hide what is inside them.
//! - [`statement`]: what kind of statement it is, and where to cut it.

pub(crate) mod lexer;
pub(crate) mod statement;

/// The setting that carries our query id through the engine, whose C interface has no other place for one.
/// It configures a profiler that we never switch on, so a client has no reason to set it.
pub(crate) const QUERY_ID_SETTING: &str = "metrics_perf_events_list";

/// Writes `text` as a SQL string literal.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for character in text.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '\0' => quoted.push_str("\\0"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// Writes `name` as a quoted identifier.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_left_from_inside() {
        assert_eq!(quote(r"a'b\c"), r"'a\'b\\c'");
        assert_eq!(quote_identifier("a`b"), "`a\\`b`");
    }
}
