//! The attribute map compiled for lookup: attribute name to rules. Which attribute holds what is written in
//! `maps/`, one table per producer; see [`super::catalog`].

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use brokle_model::usage::Counting;

use super::catalog::{Catalog, KnownCounting, Listed};
use super::document::{AttributeMapError, Unit};
use super::field::Field;
use super::span_type::ObservationType;

/// Words longer than this name no type.
const WORD_BYTES_MAX: usize = 64;

/// Where producers put what: see `maps/`.
#[derive(Debug)]
pub struct AttributeMap {
    exact: HashMap<Box<[u8]>, Vec<Rule>>,
    prefixes: Vec<(Box<[u8]>, Rule)>,
    events: HashMap<Box<[u8]>, Side>,
    /// By producer, and then everyone's: what words for types mean.
    words: Vec<HashMap<Box<[u8]>, ObservationType>>,
    uncounted_types: HashSet<ObservationType>,
    uncounted_words: HashSet<Box<[u8]>>,
    counting: HashMap<Box<[u8]>, Vec<KnownCounting>>,
    catalog: Catalog,
}

/// What was said to a model, or what it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Input = 0,
    Output = 1,
}

/// What to do with the value of an attribute.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(super) field: Field,
    /// Whose it is: an index into the catalog's producers.
    pub(super) producer: u8,
    /// The place among the field's sources; less wins.
    pub(super) rank: u8,
    /// A place in the JSON text that the attribute holds.
    pub(super) at: Option<Arc<str>>,
    pub(super) unit: Unit,
    pub(super) counting: Counting,
    /// Bytes of the prefix that matched; 0 for an exact name.
    pub(super) prefix_bytes: usize,
}

/// The rules of one attribute name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyRules<'m> {
    exact: &'m [Rule],
    prefix: Option<&'m Rule>,
}

impl<'m> KeyRules<'m> {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefix.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'m Rule> + use<'m> {
        self.exact.iter().chain(self.prefix)
    }
}

impl AttributeMap {
    /// The map that is compiled in.
    pub fn embedded() -> Result<Self, AttributeMapError> {
        Ok(Self::compile(Catalog::read(None)?))
    }

    /// The map that is compiled in with a user's tables around it. `file` is what errors call the text.
    pub fn with_file(file: &str, text: &str) -> Result<Self, AttributeMapError> {
        Ok(Self::compile(Catalog::read(Some((file, text)))?))
    }

    fn compile(catalog: Catalog) -> Self {
        let bytes = |text: &str| text.as_bytes().into();
        let mut exact: HashMap<Box<[u8]>, Vec<Rule>> = HashMap::new();
        let mut prefixes = Vec::new();
        for field in Field::ALL {
            for (listed, rank) in catalog.sources_of(*field).iter().zip(0_u8..) {
                if listed.repeats {
                    continue;
                }
                let rule = Rule::new(*field, rank, listed);
                if listed.source.is_prefix {
                    prefixes.push((bytes(&listed.source.name), rule));
                } else {
                    exact.entry(bytes(&listed.source.name)).or_default().push(rule);
                }
            }
        }
        // The longest prefix is the most specific one.
        prefixes.sort_by_key(|(prefix, _): &(Box<[u8]>, Rule)| std::cmp::Reverse(prefix.len()));
        let mut counting: HashMap<Box<[u8]>, Vec<KnownCounting>> = HashMap::new();
        for (scope, known) in &catalog.counting {
            counting.entry(bytes(scope)).or_default().push(known.clone());
        }
        let sides = [
            (Side::Input, &catalog.events[0]),
            (Side::Output, &catalog.events[1]),
        ];
        let named = |(side, names): (Side, &Vec<String>)| {
            names.iter().map(|name| (bytes(name), side)).collect::<Vec<_>>()
        };
        let mut words: Vec<HashMap<_, _>> = catalog
            .words
            .iter()
            .map(|words| words.iter().map(|(word, kind)| (word.clone(), *kind)).collect())
            .collect();
        let mut everyones = HashMap::new();
        for (word, kind) in catalog.words.iter().flatten() {
            everyones.entry(word.clone()).or_insert(*kind);
        }
        words.push(everyones);
        Self {
            exact,
            prefixes,
            events: sides.into_iter().flat_map(named).collect(),
            words,
            uncounted_types: catalog.uncounted_types.iter().copied().collect(),
            uncounted_words: catalog.uncounted_words.iter().cloned().collect(),
            counting,
            catalog,
        }
    }

    /// The tables in force.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The rules of the attribute `key`.
    pub(crate) fn rules(&self, key: &[u8]) -> KeyRules<'_> {
        let exact = self.exact.get(key).map_or(&[][..], Vec::as_slice);
        let prefix = self
            .prefixes
            .iter()
            .find(|(prefix, _)| key.starts_with(prefix))
            .map(|(_, rule)| rule);
        KeyRules { exact, prefix }
    }

    /// Whether span events of this name carry messages, and which.
    pub(crate) fn event_side(&self, name: &[u8]) -> Option<Side> {
        self.events.get(name).copied()
    }

    /// How the spans of this scope count, if the map knows. `provider` is folded, `rank` is of the source that gave
    /// the input count; what is said of these goes before what is said of all.
    pub(super) fn counting(&self, scope: &[u8], provider: &str, rank: u8) -> Option<Counting> {
        let known = self.counting.get(scope)?;
        let source = self.catalog.listed(Field::InputTokens, rank);
        let source = source.map_or("", |listed| &listed.source.name);
        let holds = |known: &&KnownCounting| {
            known.provider.as_deref().is_none_or(|wanted| wanted == provider)
                && known.source.as_deref().is_none_or(|wanted| wanted == source)
        };
        let narrowness = |known: &&KnownCounting| (known.source.is_some(), known.provider.is_some());
        known
            .iter()
            .filter(holds)
            .max_by_key(narrowness)
            .map(|known| known.counting)
    }

    /// Whether usage on observations of this type only repeats what others report.
    pub(super) fn is_uncounted_type(&self, kind: ObservationType) -> bool {
        self.uncounted_types.contains(&kind)
    }

    /// What a producer's word for a type means, and whether it names an operation whose usage only repeats
    /// what others report. A word that the producer does not use means what it means to the others.
    pub(super) fn type_of(&self, producer: u8, word: &[u8]) -> (Option<ObservationType>, bool) {
        let mut buffer = [0; WORD_BYTES_MAX];
        let Some(lower) = buffer.get_mut(..word.len()) else {
            return (None, false);
        };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        let own = self
            .words
            .get(usize::from(producer))
            .and_then(|words| words.get(&*lower));
        let known = own.or_else(|| self.words.last()?.get(&*lower));
        (known.copied(), self.uncounted_words.contains(&*lower))
    }
}

impl Rule {
    fn new(field: Field, rank: u8, listed: &Listed) -> Self {
        let source = &listed.source;
        Self {
            field,
            producer: listed.producer,
            rank,
            at: source.at.as_deref().map(Arc::from),
            unit: source.unit.unwrap_or_default(),
            counting: source.counting.unwrap_or_default(),
            prefix_bytes: if source.is_prefix { source.name.len() } else { 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_map_compiles_and_finds_its_rules() {
        let map = AttributeMap::embedded().unwrap();
        let fields = |key: &str| {
            map.rules(key.as_bytes())
                .iter()
                .map(|rule| rule.field)
                .collect::<Vec<_>>()
        };
        assert_eq!(fields("gen_ai.request.model"), [Field::ModelRequested]);
        assert_eq!(fields("langfuse.trace.metadata.k"), [Field::Metadata]);
        assert_eq!(
            fields("traceloop.association.properties.user_id"),
            [Field::UserId, Field::Metadata]
        );
        assert_eq!(fields("gen_ai.prompt.0.content"), [Field::Input]);
        assert!(map.rules(b"http.request.method").is_empty());
        assert_eq!(map.event_side(b"gen_ai.choice"), Some(Side::Output));
        let producer = |name: &str| map.catalog().producer(name).unwrap();
        let brokle = producer("brokle");
        assert_eq!(
            map.type_of(brokle, b"LLM"),
            (Some(ObservationType::Generation), false)
        );
        assert_eq!(
            map.type_of(producer("vercel"), b"ai.generateText"),
            (Some(ObservationType::Span), true)
        );
        assert_eq!(
            map.type_of(brokle, b"execute_tool"),
            (Some(ObservationType::Tool), false),
            "others' words are understood too"
        );
        assert_eq!(map.type_of(brokle, &[b'x'; 65]), (None, false));
    }

    #[test]
    fn a_producers_own_words_go_before_the_others() {
        let file = "version = 1\n[[producer]]\nname = \"acme\"\n[producer.fields]\ntype = [\"acme.kind\"]\n\
            [producer.types]\ntool = [\"task\"]\n";
        let map = AttributeMap::with_file("mine.toml", file).unwrap();
        let of = |name: &str| map.type_of(map.catalog().producer(name).unwrap(), b"task").0;
        assert_eq!(
            (of("acme"), of("traceloop")),
            (Some(ObservationType::Tool), Some(ObservationType::Span))
        );
    }
}
