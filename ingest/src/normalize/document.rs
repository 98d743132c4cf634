//! The attribute map as it is written: TOML, checked when it is read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use brokle_model::usage::Counting;

use super::span_type::ObservationType;

/// A text that is no attribute map.
#[derive(Debug, thiserror::Error)]
pub enum AttributeMapError {
    /// Not TOML, or not of the documented form.
    #[error("the attribute map cannot be read: {0}")]
    Malformed(#[from] toml::de::Error),
    /// Written for another release.
    #[error("the attribute map has version {0}; this release reads version 1")]
    Version(u32),
    /// A source of a field that makes no sense there.
    #[error("field `{field}`, source {position}: {problem}")]
    Source {
        /// The field.
        field: String,
        /// Which of its sources, from 1.
        position: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

/// What Brokle wants to know about an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Field {
    // Text.
    Provider,
    ModelRequested,
    Model,
    SessionId,
    UserId,
    TraceName,
    Environment,
    Release,
    ServiceName,
    Level,
    ServiceTier,
    // Counts.
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheWriteTokens,
    #[serde(rename = "cache_write_5m_tokens")]
    CacheWrite5mTokens,
    #[serde(rename = "cache_write_1h_tokens")]
    CacheWrite1hTokens,
    AudioInputTokens,
    ImageInputTokens,
    ReasoningTokens,
    AudioOutputTokens,
    ImageOutputTokens,
    TotalTokens,
    // Money.
    CostTotal,
    CostInput,
    CostOutput,
    // The rest.
    Type,
    TimeToFirstToken,
    CountsUsage,
    Tags,
    Metadata,
    Input,
    Output,
}

impl Field {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Output as usize + 1;
    /// How many hold text: the first ones.
    pub(super) const TEXTS: usize = Self::ServiceTier as usize + 1;
    /// How many hold counts: the next ones.
    pub(super) const COUNTS: usize = Self::TotalTokens as usize + 1 - Self::TEXTS;
    /// How many hold money: those after.
    pub(super) const AMOUNTS: usize = Self::CostOutput as usize + 1 - Self::TEXTS - Self::COUNTS;
}

/// The unit of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(crate) enum Unit {
    #[serde(rename = "s")]
    Seconds,
    #[default]
    #[serde(rename = "ms")]
    Milliseconds,
    /// Not a duration but an instant, RFC 3339.
    #[serde(rename = "time")]
    Time,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) version: u32,
    pub(super) fields: BTreeMap<Field, Vec<Source>>,
    #[serde(default)]
    pub(super) events: Events,
    #[serde(default)]
    pub(super) types: BTreeMap<ObservationType, Vec<String>>,
    #[serde(default)]
    pub(super) uncounted: Uncounted,
    #[serde(default)]
    pub(super) counting: Vec<ScopeCounting>,
}

/// How the spans of one instrumentation library count, where its attributes alone do not tell (R2).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeCounting {
    /// The instrumentation scope's name.
    pub(super) scope: String,
    /// Only for this provider, in any spelling.
    pub(super) provider: Option<String>,
    pub(super) counting: Counting,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    #[serde(default)]
    pub(super) input: Vec<String>,
    #[serde(default)]
    pub(super) output: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Uncounted {
    #[serde(default)]
    pub(super) types: BTreeSet<ObservationType>,
    #[serde(default)]
    pub(super) operations: BTreeSet<String>,
}

/// One place where a field may be found.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Source {
    Key(String),
    Detailed(Detailed),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Detailed {
    pub(super) key: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) at: Option<String>,
    pub(super) unit: Option<Unit>,
    pub(super) counting: Option<Counting>,
}

impl Source {
    pub(super) fn detailed(&self) -> Detailed {
        match self {
            Self::Key(key) => Detailed {
                key: Some(key.clone()),
                ..Detailed::default()
            },
            Self::Detailed(detailed) => detailed.clone(),
        }
    }
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, AttributeMapError> {
        let document: Self = toml::from_str(text)?;
        if document.version != 1 {
            return Err(AttributeMapError::Version(document.version));
        }
        for (field, sources) in &document.fields {
            for (index, source) in sources.iter().enumerate() {
                if let Some(problem) = problem(*field, index, &source.detailed()) {
                    let field = format!("{field:?}");
                    return Err(AttributeMapError::Source {
                        field,
                        position: index + 1,
                        problem,
                    });
                }
            }
        }
        Ok(document)
    }
}

fn problem(field: Field, index: usize, source: &Detailed) -> Option<&'static str> {
    let collects = matches!(field, Field::Input | Field::Output | Field::Metadata);
    match (&source.key, &source.prefix) {
        (Some(_), Some(_)) | (None, None) => return Some("give either `key` or `prefix`"),
        (Some(name), None) | (None, Some(name)) if name.is_empty() => return Some("the name is empty"),
        (None, Some(_)) if !collects => return Some("`prefix` serves only metadata, input and output"),
        _ => {}
    }
    if source
        .at
        .as_ref()
        .is_some_and(|pointer| !pointer.starts_with('/'))
    {
        return Some("`at` must be a JSON pointer such as `/input`");
    }
    if source.at.is_some() && field >= Field::Type {
        return Some("`at` serves only text, counts and money");
    }
    if source.unit.is_some() && field != Field::TimeToFirstToken {
        return Some("`unit` serves only durations");
    }
    if source.counting.is_some() && !(Field::InputTokens..=Field::TotalTokens).contains(&field) {
        return Some("`counting` serves only token counts");
    }
    (index >= usize::from(u8::MAX)).then_some("too many sources")
}
