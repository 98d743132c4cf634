//! The tables as they are written: TOML, checked when it is read. Brokle's own tables and a user's file have
//! the same form, so that a table of ours is a good start for one's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use brokle_model::usage::Counting;

use super::field::Field;
use super::span_type::ObservationType;

/// The version of the form that this release reads.
const VERSION: u32 = 1;
/// Longest name of a producer.
const NAME_CHARS_MAX: usize = 32;

/// A text that is no attribute map. Says which file it is and where the mistake stands.
#[derive(Debug, thiserror::Error)]
pub enum AttributeMapError {
    /// Not TOML, or not of the documented form.
    #[error("the attribute map {file} cannot be read: {problem}")]
    Malformed {
        /// The file.
        file: String,
        /// Where, and what is wrong, in the parser's words.
        problem: String,
    },
    /// Something that makes no sense where it stands.
    #[error("the attribute map {file}, line {line}: {problem}")]
    Mistake {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
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

impl Unit {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Time => "time",
        }
    }
}

/// A file of tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<u32>,
    #[serde(default)]
    producer: Vec<Table>,
}

/// What one producer writes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) name: Spanned<String>,
    /// For people.
    #[serde(default)]
    pub(super) title: String,
    /// A user's table goes before or after Brokle's own.
    pub(super) place: Option<Place>,
    #[serde(default)]
    pub(super) fields: BTreeMap<Field, Vec<Spanned<Source>>>,
    #[serde(default)]
    pub(super) events: Events,
    /// What this producer's words for types mean.
    #[serde(default)]
    pub(super) types: BTreeMap<ObservationType, Vec<String>>,
    /// Words of the `type` field whose usage only repeats what others report (R3).
    #[serde(default)]
    pub(super) uncounted: BTreeSet<String>,
    #[serde(default)]
    pub(super) counting: Vec<ScopeCounting>,
}

/// Where a user's table goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    Before,
    After,
}

/// How the spans of one instrumentation library count, where its attributes alone do not tell (R2).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeCounting {
    /// The instrumentation scope's name.
    pub(super) scope: String,
    /// Only for this provider, in any spelling.
    pub(super) provider: Option<String>,
    /// Only when the input count is from this attribute.
    pub(super) source: Option<String>,
    pub(super) counting: Counting,
}

/// Names of span events that carry messages.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    #[serde(default)]
    pub(super) input: Vec<String>,
    #[serde(default)]
    pub(super) output: Vec<String>,
}

/// One place where a field may be found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Detailed {
    key: Option<String>,
    prefix: Option<String>,
    at: Option<String>,
    unit: Option<Unit>,
    counting: Option<Counting>,
}

/// The same, from a table or from a name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The attribute's name, or the beginning of several.
    pub(crate) name: String,
    pub(crate) is_prefix: bool,
    /// A place in the JSON text that the attribute holds.
    pub(crate) at: Option<String>,
    pub(crate) unit: Option<Unit>,
    pub(crate) counting: Option<Counting>,
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> de::Visitor<'de> for SourceVisitor {
    type Value = Source;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of an attribute, or a table with `key` or `prefix`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Source, E> {
        Ok(Source {
            name: name.to_owned(),
            is_prefix: false,
            at: None,
            unit: None,
            counting: None,
        })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
        let detailed = Detailed::deserialize(MapAccessDeserializer::new(map))?;
        let (name, is_prefix) = match (detailed.key, detailed.prefix) {
            (Some(key), None) => (key, false),
            (None, Some(prefix)) => (prefix, true),
            _ => return Err(de::Error::custom("give either `key` or `prefix`")),
        };
        Ok(Source {
            name,
            is_prefix,
            at: detailed.at,
            unit: detailed.unit,
            counting: detailed.counting,
        })
    }
}

/// Reads the tables in `text`, the content of `file`.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Table>, AttributeMapError> {
    let read: File = parse(file, text)?;
    let mistake = |offset: usize, problem: String| AttributeMapError::Mistake {
        file: file.to_owned(),
        line: text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1,
        problem,
    };
    if *read.version.get_ref() != VERSION {
        let problem = format!(
            "version {} is not known; this release reads {VERSION}",
            read.version.get_ref()
        );
        return Err(mistake(read.version.span().start, problem));
    }
    for table in &read.producer {
        if !is_name(table.name.get_ref()) {
            let problem = format!("a producer's name has 1 to {NAME_CHARS_MAX} of a-z, 0-9, - and _");
            return Err(mistake(table.name.span().start, problem));
        }
        for (field, sources) in &table.fields {
            let mut seen: Vec<&Source> = Vec::new();
            for source in sources {
                let listed = source.get_ref();
                let twice = seen.contains(&listed).then_some("it is listed twice");
                if let Some(problem) = problem(*field, listed).or(twice) {
                    let problem = format!("field `{field}`, `{}`: {problem}", listed.name);
                    return Err(mistake(source.span().start, problem));
                }
                seen.push(listed);
            }
        }
    }
    Ok(read.producer)
}

/// Reads TOML of any of the forms here.
pub(super) fn parse<'t, T: Deserialize<'t>>(file: &str, text: &'t str) -> Result<T, AttributeMapError> {
    let deserializer = toml::Deserializer::parse(text);
    deserializer
        .and_then(T::deserialize)
        .map_err(|error: toml::de::Error| AttributeMapError::Malformed {
            file: file.to_owned(),
            problem: error.to_string().trim_end().to_owned(),
        })
}

fn is_name(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

fn problem(field: Field, source: &Source) -> Option<&'static str> {
    if source.name.is_empty() {
        return Some("the name is empty");
    }
    if source.is_prefix && !matches!(field, Field::Input | Field::Output | Field::Metadata) {
        return Some("`prefix` serves only metadata, input and output");
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
    None
}
