//! What is made unreadable, and how.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::pattern::Kind;

/// A compiled expression takes no more than this.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Rules and patterns of redaction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redaction {
    /// Which of the built-in patterns are looked for in every text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<Kind>,
    /// What happens to what they find.
    #[serde(skip_serializing_if = "Action::is_default")]
    pub action: Action,
    /// The project's own rules, in order; they come before the patterns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RedactionRule>,
}

impl Redaction {
    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.rules.is_empty()
    }
}

/// One rule: where to look, for what, and what to do with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedactionRule {
    /// Names the rule in figures and in the mark that replaces a text.
    pub name: String,
    /// Keys of attributes, and of members of JSON values, where the rule looks; `*` stands for any text, case
    /// does not count. None: everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// A regular expression for the part of the text that is meant. None: the whole value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What happens.
    #[serde(skip_serializing_if = "Action::is_default")]
    pub action: Action,
    /// What to write instead, for [`Action::Replace`]. None: `[REDACTED:name]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
}

/// What happens to a text that is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is replaced by a mark.
    #[default]
    Replace,
    /// It is replaced by a keyed hash, the same for the same text in one project.
    Hash,
    /// The attribute that holds it is left out; a text that is no attribute becomes empty.
    Drop,
}

impl Action {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The word in settings and figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Hash => "hash",
            Self::Drop => "drop",
        }
    }
}

/// Why an expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is not an expression, or too large a one.
    #[error("is not a regular expression that can be used: {0}")]
    Syntax(String),
    /// It would match between any two characters.
    #[error("matches the empty text; ask for one character at least")]
    MatchesNothing,
}

/// Compiles the expression of a rule. Matching takes time linear in the text, whatever the expression.
pub fn compile_value(expression: &str) -> Result<Regex, PatternError> {
    let compiled = RegexBuilder::new(expression)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| PatternError::Syntax(error.to_string()))?;
    if compiled.is_match("") {
        return Err(PatternError::MatchesNothing);
    }
    Ok(compiled)
}
