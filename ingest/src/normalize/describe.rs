//! The tables in force, for people and programs: what the API shows, and the page docs/attributes.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use utoipa::ToSchema;

use brokle_model::usage::Counting;

use super::attribute_map::AttributeMap;
use super::catalog::{Catalog, Listed};
use super::field::Field;

/// The attribute map in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MapDescription {
    /// Whose tables there are.
    pub producers: Vec<ProducerDescription>,
    /// What is asked for each field.
    pub fields: Vec<FieldDescription>,
    /// What the words of the field `type` mean, by type.
    #[schema(value_type = std::collections::HashMap<String, Vec<WordDescription>>)]
    pub types: BTreeMap<&'static str, Vec<WordDescription>>,
    /// Span events that carry messages; asked when no attribute holds any.
    pub events: EventDescription,
    /// What only repeats the usage of the spans below it.
    pub uncounted: UncountedDescription,
}

/// Who writes attributes in a way of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProducerDescription {
    /// The name in the tables.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// Where the table is from.
    pub origin: Origin,
}

/// Where something is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Compiled in.
    BuiltIn,
    /// The file that the configuration names.
    File,
}

/// What is asked for a field: the first source that yields a value wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldDescription {
    /// Its name.
    pub field: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Whether all sources add up, instead of the first one winning.
    pub collects: bool,
    /// In the order in which they are asked.
    pub sources: Vec<SourceDescription>,
}

/// A source of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SourceDescription {
    /// Whose it is.
    pub producer: String,
    /// The attribute's name...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// ...or the beginning of the names of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// A JSON pointer into the text that the attribute holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// `s`, `ms`, or `time` for an instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// `exclusive` or `exclusive_input` when the count leaves subsets out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counting: Option<&'static str>,
    /// Where it is from.
    pub origin: Origin,
}

/// A producer's word for a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WordDescription {
    /// Whose it is.
    pub producer: String,
    /// In lower case.
    pub word: String,
}

/// Names of span events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventDescription {
    /// What was said to the model.
    pub input: Vec<String>,
    /// What it answered.
    pub output: Vec<String>,
}

/// What only repeats the usage of the spans below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UncountedDescription {
    /// Types of observations.
    pub types: Vec<&'static str>,
    /// Words of the field `type`.
    pub words: Vec<String>,
}

impl AttributeMap {
    /// The tables in force.
    pub fn describe(&self) -> MapDescription {
        let catalog = self.catalog();
        let producers = catalog.producers.iter().map(|producer| ProducerDescription {
            name: producer.name.clone(),
            title: producer.title.clone(),
            origin: origin(producer.is_users),
        });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut types: BTreeMap<&'static str, Vec<WordDescription>> = BTreeMap::new();
        for (producer, words) in catalog.producers.iter().zip(&catalog.words) {
            for (word, kind) in words {
                types.entry(kind.as_str()).or_default().push(WordDescription {
                    producer: producer.name.clone(),
                    word: text(word),
                });
            }
        }
        let [input, output] = catalog.events.clone();
        MapDescription {
            producers: producers.collect(),
            fields: Field::ALL.iter().map(|field| describe(catalog, *field)).collect(),
            types,
            events: EventDescription { input, output },
            uncounted: UncountedDescription {
                types: catalog.uncounted_types.iter().map(|kind| kind.as_str()).collect(),
                words: catalog.uncounted_words.iter().map(|word| text(word)).collect(),
            },
        }
    }
}

fn describe(catalog: &Catalog, field: Field) -> FieldDescription {
    FieldDescription {
        field: field.as_str(),
        about: field.about(),
        collects: field.collects(),
        sources: catalog
            .sources_of(field)
            .iter()
            .map(|listed| source(catalog, listed))
            .collect(),
    }
}

pub(crate) fn source(catalog: &Catalog, listed: &Listed) -> SourceDescription {
    let name = || Some(listed.source.name.clone());
    let producer = catalog.producers.get(usize::from(listed.producer));
    SourceDescription {
        producer: producer.map(|producer| producer.name.clone()).unwrap_or_default(),
        key: name().filter(|_| !listed.source.is_prefix),
        prefix: name().filter(|_| listed.source.is_prefix),
        at: listed.source.at.clone(),
        unit: listed.source.unit.map(super::document::Unit::as_str),
        counting: listed.source.counting.map(|counting| match counting {
            Counting::Inclusive => "inclusive",
            Counting::Exclusive => "exclusive",
            Counting::ExclusiveInput => "exclusive_input",
        }),
        origin: origin(listed.is_users),
    }
}

fn origin(is_users: bool) -> Origin {
    if is_users { Origin::File } else { Origin::BuiltIn }
}

impl MapDescription {
    /// The tables as Markdown: a section per field, its sources in order.
    pub fn to_markdown(&self) -> String {
        let mut page = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_markdown(&mut page);
        page
    }

    fn write_markdown(&self, page: &mut String) -> std::fmt::Result {
        writeln!(page, "## Producers\n\n| name | who |\n|---|---|")?;
        for producer in &self.producers {
            writeln!(page, "| `{}` | {} |", producer.name, producer.title)?;
        }
        writeln!(page, "\n## Fields\n")?;
        for field in &self.fields {
            writeln!(
                page,
                "### `{}`\n\n{}\n\n| | attribute | producer |\n|--:|---|---|",
                field.field, field.about
            )?;
            for (source, position) in field.sources.iter().zip(1..) {
                writeln!(
                    page,
                    "| {position} | {} | {} |",
                    source.in_words(),
                    source.producer
                )?;
            }
            writeln!(page)?;
        }
        writeln!(page, "## Types\n\n| type | words, by producer |\n|---|---|")?;
        for (kind, words) in &self.types {
            let mut of_producer: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for word in words {
                of_producer
                    .entry(&word.producer)
                    .or_default()
                    .push(format!("`{}`", word.word));
            }
            let listed: Vec<String> = of_producer
                .iter()
                .map(|(producer, words)| format!("{producer}: {}", words.join(", ")))
                .collect();
            writeln!(page, "| `{kind}` | {} |", listed.join("; "))?;
        }
        let list = |words: &[String]| {
            words
                .iter()
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        writeln!(
            page,
            "\n## Events with messages\n\nInput: {}.\n",
            list(&self.events.input)
        )?;
        writeln!(page, "Output: {}.", list(&self.events.output))?;
        let types: Vec<String> = self
            .uncounted
            .types
            .iter()
            .map(|kind| (*kind).to_owned())
            .collect();
        writeln!(
            page,
            "\n## Usage that is shown but not added up\n\nOn these types: {}.\n",
            list(&types)
        )?;
        writeln!(page, "For these words: {}.", list(&self.uncounted.words))
    }
}

impl SourceDescription {
    fn in_words(&self) -> String {
        let mut text = match (&self.key, &self.prefix) {
            (Some(key), _) => format!("`{key}`"),
            (None, prefix) => format!("`{}*`", prefix.as_deref().unwrap_or_default()),
        };
        if let Some(at) = &self.at {
            text = format!("{text} at `{at}`");
        }
        for note in [self.unit, self.counting].into_iter().flatten() {
            text = format!("{text} ({note})");
        }
        text
    }
}
