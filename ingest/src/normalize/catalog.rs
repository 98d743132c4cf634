//! All tables in one order: for each field the sources that are asked, first to last, each with the producer
//! that lists it. What is compiled for lookup, shown by the API and printed in docs/attributes.md is this.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use brokle_model::price::fold_provider;
use brokle_model::usage::Counting;

use super::document::{self, AttributeMapError, Place, Source, Table};
use super::field::Field;
use super::span_type::ObservationType;

/// The tables that are compiled in.
const EMBEDDED: [(&str, &str); 8] = [
    ("otel.toml", include_str!("maps/otel.toml")),
    ("otel_old.toml", include_str!("maps/otel_old.toml")),
    ("openinference.toml", include_str!("maps/openinference.toml")),
    ("langfuse.toml", include_str!("maps/langfuse.toml")),
    ("traceloop.toml", include_str!("maps/traceloop.toml")),
    ("vercel.toml", include_str!("maps/vercel.toml")),
    ("brokle.toml", include_str!("maps/brokle.toml")),
    ("others.toml", include_str!("maps/others.toml")),
];

/// `maps/precedence.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Precedence {
    producers: Vec<String>,
    uncounted_types: BTreeSet<ObservationType>,
    fields: BTreeMap<Field, Vec<String>>,
}

/// Who writes attributes in a way of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) name: String,
    pub(crate) title: String,
    /// Known from a user's file only.
    pub(crate) is_users: bool,
}

/// A source of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// An index into [`Catalog::producers`].
    pub(crate) producer: u8,
    pub(crate) source: Source,
    /// From a user's file.
    pub(crate) is_users: bool,
    /// An earlier source asks the same attribute already.
    pub(crate) repeats: bool,
}

/// A word of one producer, or an event of anyone.
pub(super) type Words = BTreeMap<Box<[u8]>, ObservationType>;

/// How a scope counts, for one provider (folded) or for all, and for one source of the input count or for all.
#[derive(Debug, Clone)]
pub(super) struct KnownCounting {
    pub(super) provider: Option<Box<str>>,
    pub(super) source: Option<String>,
    pub(super) counting: Counting,
}

/// The tables, merged.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) producers: Vec<Producer>,
    /// By field.
    pub(crate) sources: Vec<Vec<Listed>>,
    /// By producer: what its words for types mean.
    pub(super) words: Vec<Words>,
    /// Names of events that carry input, and of those that carry output.
    pub(super) events: [Vec<String>; 2],
    pub(super) uncounted_types: BTreeSet<ObservationType>,
    pub(super) uncounted_words: BTreeSet<Box<[u8]>>,
    pub(super) counting: Vec<(String, KnownCounting)>,
}

/// A table and where it goes: Brokle's own have no place.
type Placed<'t> = (Option<Place>, &'t Table);

impl Catalog {
    /// Brokle's tables with those of the user's file, `(name, text)`, laid around them.
    pub(super) fn read(users: Option<(&str, &str)>) -> Result<Self, AttributeMapError> {
        let file = "precedence.toml";
        let precedence: Precedence = document::parse(file, include_str!("maps/precedence.toml"))?;
        let mut own = Vec::new();
        for (file, text) in EMBEDDED {
            own.extend(document::read(file, text)?);
        }
        let (users_file, users) = match users {
            Some((file, text)) => (file, document::read(file, text)?),
            None => ("", Vec::new()),
        };
        let mut catalog = Self {
            producers: Vec::new(),
            sources: vec![Vec::new(); Field::COUNT],
            words: Vec::new(),
            events: [Vec::new(), Vec::new()],
            uncounted_types: precedence.uncounted_types,
            uncounted_words: BTreeSet::new(),
            counting: Vec::new(),
        };
        // A user's word on what is known already goes before ours.
        for (is_users, table) in users
            .iter()
            .map(|table| (true, table))
            .chain(own.iter().map(|table| (false, table)))
        {
            catalog.add_producer(table, is_users);
        }
        let order = order(&precedence.producers, &own, &users);
        for field in Field::ALL {
            let first = precedence.fields.get(field).map_or(&[][..], Vec::as_slice);
            let mut ordered = order.clone();
            ordered.sort_by_key(|(group, _)| match group {
                Group::Named(name) => {
                    let place = first.iter().position(|wanted| wanted == name);
                    1 + place.unwrap_or(first.len())
                }
                Group::Before => 0,
                Group::After => usize::MAX,
            });
            for (_, tables) in &ordered {
                for (place, table) in tables {
                    catalog.add_sources(*field, place.is_some(), table);
                }
            }
            if catalog.sources[*field as usize].len() >= usize::from(u8::MAX) {
                return Err(AttributeMapError::Mistake {
                    file: users_file.to_owned(),
                    line: 1,
                    problem: format!("field `{field}` has more than {} sources", u8::MAX - 1),
                });
            }
        }
        Ok(catalog)
    }

    fn add_producer(&mut self, table: &Table, is_users: bool) {
        let index = usize::from(self.producer(table.name.get_ref()).unwrap_or_else(|| {
            self.producers.push(Producer {
                name: table.name.get_ref().clone(),
                title: String::new(),
                is_users: true,
            });
            self.words.push(Words::new());
            u8::try_from(self.producers.len() - 1).unwrap_or(u8::MAX)
        }));
        let producer = &mut self.producers[index];
        producer.is_users &= is_users;
        if producer.title.is_empty() || !is_users {
            producer.title.clone_from(&table.title);
        }
        for (kind, words) in &table.types {
            for word in words {
                self.words[index].entry(lower(word)).or_insert(*kind);
            }
        }
        self.events[0].extend(table.events.input.iter().cloned());
        self.events[1].extend(table.events.output.iter().cloned());
        self.uncounted_words
            .extend(table.uncounted.iter().map(|word| lower(word)));
        self.counting.extend(table.counting.iter().map(|known| {
            let provider = known.provider.as_ref().map(|name| fold_provider(name).into());
            let source = known.source.clone();
            let counting = known.counting;
            (
                known.scope.clone(),
                KnownCounting {
                    provider,
                    source,
                    counting,
                },
            )
        }));
    }

    /// The index of the producer with this name.
    pub(crate) fn producer(&self, name: &str) -> Option<u8> {
        let index = self.producers.iter().position(|producer| producer.name == name)?;
        u8::try_from(index).ok()
    }

    fn add_sources(&mut self, field: Field, is_users: bool, table: &Table) {
        let Some(producer) = self.producer(table.name.get_ref()) else {
            return;
        };
        let listed = &mut self.sources[field as usize];
        for source in table.fields.get(&field).into_iter().flatten() {
            let source = source.get_ref();
            let repeats = listed.iter().any(|earlier| {
                let same = |other: &Source| {
                    (&other.name, other.is_prefix, &other.at) == (&source.name, source.is_prefix, &source.at)
                };
                same(&earlier.source)
            });
            listed.push(Listed {
                producer,
                source: source.clone(),
                is_users,
                repeats,
            });
        }
    }

    /// The source at a rank.
    pub(crate) fn listed(&self, field: Field, rank: u8) -> Option<&Listed> {
        self.sources_of(field).get(usize::from(rank))
    }

    /// The sources of a field, first to last.
    pub(crate) fn sources_of(&self, field: Field) -> &[Listed] {
        &self.sources[field as usize]
    }
}

/// Tables that stay together whatever the order of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Group<'t> {
    Before,
    Named(&'t str),
    After,
}

/// All tables in the order that holds for a field without one of its own. A user's table for one of Brokle's
/// producers stands beside that producer's, one for a producer of their own before or after all.
fn order<'t>(names: &'t [String], own: &'t [Table], users: &'t [Table]) -> Vec<(Group<'t>, Vec<Placed<'t>>)> {
    let is_known = |table: &Table| names.iter().any(|name| name == table.name.get_ref());
    let placed = |wanted: Place, chosen: &dyn Fn(&Table) -> bool| -> Vec<Placed<'t>> {
        let tables = users.iter().filter(|table| chosen(table));
        tables
            .map(|table| (Some(table.place.unwrap_or(Place::After)), table))
            .filter(|(place, _)| *place == Some(wanted))
            .collect()
    };
    let mut order = vec![(Group::Before, placed(Place::Before, &|table| !is_known(table)))];
    for name in names {
        let is_it = |table: &Table| table.name.get_ref() == name;
        let mut tables = placed(Place::Before, &is_it);
        tables.extend(own.iter().filter(|table| is_it(table)).map(|table| (None, table)));
        tables.extend(placed(Place::After, &is_it));
        order.push((Group::Named(name), tables));
    }
    order.push((Group::After, placed(Place::After, &|table| !is_known(table))));
    order
}

fn lower(word: &str) -> Box<[u8]> {
    word.to_ascii_lowercase().into_bytes().into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(catalog: &Catalog, field: Field) -> Vec<String> {
        let listed = catalog.sources_of(field).iter().filter(|listed| !listed.repeats);
        listed.map(|listed| listed.source.name.clone()).collect()
    }

    #[test]
    fn precedence_names_every_producer_and_no_other() {
        let precedence: Precedence =
            document::parse("precedence.toml", include_str!("maps/precedence.toml")).unwrap();
        let mut tables: Vec<String> = Vec::new();
        for (file, text) in EMBEDDED {
            let read = document::read(file, text).unwrap();
            tables.extend(read.iter().map(|table| table.name.get_ref().clone()));
            assert!(
                read.iter()
                    .all(|table| table.place.is_none() && !table.title.is_empty()),
                "{file}"
            );
        }
        assert_eq!(precedence.producers, tables);
        let mut named = precedence.fields.values().flatten();
        assert!(named.all(|name| tables.contains(name)));
    }

    #[test]
    fn a_field_is_asked_in_its_own_order_and_then_in_everyones() {
        let catalog = Catalog::read(None).unwrap();
        assert_eq!(
            names(&catalog, Field::SessionId)[..3],
            ["session.id", "langfuse.session.id", "gen_ai.conversation.id"]
        );
        assert_eq!(
            names(&catalog, Field::Provider),
            [
                "gen_ai.provider.name",
                "gen_ai.system",
                "llm.provider",
                "llm.system",
                "ai.model.provider"
            ]
        );
    }

    #[test]
    fn a_users_tables_go_where_they_say() {
        let file = "version = 1\n\
            [[producer]]\nname = \"acme\"\nplace = \"before\"\nfields.model = [\"acme.model\"]\n\
            [[producer]]\nname = \"late\"\nfields.model = [\"late.model\"]\n\
            [[producer]]\nname = \"vercel\"\nplace = \"before\"\nfields.model = [\"ai.other\"]\n\
            [[producer]]\nname = \"vercel\"\nplace = \"after\"\nfields.model = [\"ai.last\"]\n";
        let catalog = Catalog::read(Some(("mine.toml", file))).unwrap();
        assert_eq!(
            names(&catalog, Field::Model),
            [
                "acme.model",
                "gen_ai.response.model",
                "llm.response.model",
                "llm.response.model_name",
                "ai.other",
                "ai.response.model",
                "ai.last",
                "late.model"
            ]
        );
        let users = catalog.producers.iter().filter(|producer| producer.is_users);
        assert_eq!(
            users.map(|producer| &*producer.name).collect::<Vec<_>>(),
            ["acme", "late"]
        );
        assert_eq!(
            catalog.producers[usize::from(catalog.producer("vercel").unwrap())].title,
            "Vercel AI SDK"
        );
    }

    #[test]
    fn mistakes_are_refused_with_the_file_and_the_line() {
        let refusal = |body: &str| {
            let text = format!("version = 1\n[[producer]]\nname = \"acme\"\n{body}");
            Catalog::read(Some(("mine.toml", &text))).unwrap_err().to_string()
        };
        let cases = [
            (
                "[producer.fields]\nmodel = [\"a\", \"\"]",
                "line 5: field `model`, ``: the name is empty",
            ),
            (
                "[producer.fields]\n\nmodel = [\n  { prefix = \"a.\" },\n]",
                "line 7: field `model`, `a.`: `prefix` serves only metadata, input and output",
            ),
            (
                "[producer.fields]\nmodel = [{ key = \"a\", unit = \"s\" }]",
                "line 5: field `model`, `a`: `unit` serves only durations",
            ),
            (
                "[producer.fields]\nrelease = [{ key = \"a\", counting = \"exclusive\" }]",
                "line 5: field `release`, `a`: `counting` serves only token counts",
            ),
            (
                "[producer.fields]\nmodel = [{ key = \"a\", at = \"b\" }]",
                "line 5: field `model`, `a`: `at` must be a JSON pointer such as `/input`",
            ),
            (
                "[producer.fields]\ntags = [{ key = \"a\", at = \"/b\" }]",
                "line 5: field `tags`, `a`: `at` serves only text, counts and money",
            ),
            (
                "[producer.fields]\nmodel = [\"a\", \"a\"]",
                "line 5: field `model`, `a`: it is listed twice",
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(refusal(body), format!("the attribute map mine.toml, {expected}"));
        }
        for (body, line, word) in [
            (
                "[producer.fields]\nmodle = [\"a\"]",
                "line 5",
                "unknown field `modle`, expected one of `provider`",
            ),
            (
                "[producer.fields]\nmodel = [{ kye = \"a\" }]",
                "line 5",
                "unknown field `kye`",
            ),
            (
                "[producer.fields]\nmodel = [{ at = \"/a\" }]",
                "line 5",
                "give either `key` or `prefix`",
            ),
            ("colour = 1", "line 4", "unknown field `colour`"),
        ] {
            let message = refusal(body);
            assert!(
                message.starts_with("the attribute map mine.toml cannot be read"),
                "{message}"
            );
            assert!(message.contains(line) && message.contains(word), "{message}");
        }
        let message = |text: &str| Catalog::read(Some(("m.toml", text))).unwrap_err().to_string();
        assert_eq!(
            message("\nversion = 2"),
            "the attribute map m.toml, line 2: version 2 is not known; this release reads 1"
        );
        assert_eq!(
            message("version = 1\n[[producer]]\nname = \"Acme Inc\""),
            "the attribute map m.toml, line 3: a producer's name has 1 to 32 of a-z, 0-9, - and _"
        );
    }
}
