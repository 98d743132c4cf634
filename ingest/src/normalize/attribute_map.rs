//! The attribute map compiled for lookup: attribute name to rules.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use brokle_model::price::fold_provider;
use brokle_model::usage::Counting;

use super::document::{AttributeMapError, Detailed, Document, Field, Unit};
use super::span_type::ObservationType;

/// Words longer than this name no type.
const WORD_BYTES_MAX: usize = 64;

/// Where producers put what: see `attribute_map.toml`.
#[derive(Debug)]
pub struct AttributeMap {
    exact: HashMap<Box<[u8]>, Vec<Rule>>,
    prefixes: Vec<(Box<[u8]>, Rule)>,
    events: HashMap<Box<[u8]>, Side>,
    types: HashMap<Box<[u8]>, ObservationType>,
    uncounted_types: HashSet<ObservationType>,
    uncounted_operations: HashSet<Box<[u8]>>,
    counting: HashMap<Box<[u8]>, Vec<ProviderCounting>>,
}

/// For one provider (folded) or for all, how it counts.
type ProviderCounting = (Option<Box<str>>, Counting);

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
        Self::from_toml(include_str!("attribute_map.toml"))
    }

    /// Reads a map in the form of the compiled-in one.
    pub fn from_toml(text: &str) -> Result<Self, AttributeMapError> {
        let document = Document::parse(text)?;
        let mut map = Self {
            exact: HashMap::new(),
            prefixes: Vec::new(),
            events: HashMap::new(),
            types: HashMap::new(),
            uncounted_types: document.uncounted.types.into_iter().collect(),
            uncounted_operations: document
                .uncounted
                .operations
                .iter()
                .map(|word| lower(word))
                .collect(),
            counting: HashMap::new(),
        };
        for known in document.counting {
            let provider = known.provider.map(|name| fold_provider(&name).into());
            let of_scope = map
                .counting
                .entry(known.scope.into_bytes().into_boxed_slice())
                .or_default();
            of_scope.push((provider, known.counting));
        }
        for (field, sources) in &document.fields {
            for (source, rank) in sources.iter().zip(0_u8..) {
                map.add(*field, rank, source.detailed());
            }
        }
        // The longest prefix is the most specific one.
        map.prefixes
            .sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        let events = [
            (Side::Input, document.events.input),
            (Side::Output, document.events.output),
        ];
        for (side, names) in events {
            map.events.extend(
                names
                    .into_iter()
                    .map(|name| (name.into_bytes().into_boxed_slice(), side)),
            );
        }
        for (kind, words) in document.types {
            map.types.extend(words.iter().map(|word| (lower(word), kind)));
        }
        Ok(map)
    }

    fn add(&mut self, field: Field, rank: u8, source: Detailed) {
        let mut rule = Rule {
            field,
            rank,
            at: source.at.map(Arc::from),
            unit: source.unit.unwrap_or_default(),
            counting: source.counting.unwrap_or_default(),
            prefix_bytes: 0,
        };
        if let Some(prefix) = source.prefix {
            rule.prefix_bytes = prefix.len();
            self.prefixes.push((prefix.into_bytes().into_boxed_slice(), rule));
        } else if let Some(key) = source.key {
            self.exact
                .entry(key.into_bytes().into_boxed_slice())
                .or_default()
                .push(rule);
        }
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

    /// How the spans of this scope count, if the map knows. `provider` is folded; what is said of it goes
    /// before what is said of all.
    pub(super) fn counting(&self, scope: &[u8], provider: &str) -> Option<Counting> {
        let known = self.counting.get(scope)?;
        let of = |wanted: Option<&str>| known.iter().find(|(name, _)| name.as_deref() == wanted);
        of(Some(provider))
            .or_else(|| of(None))
            .map(|(_, counting)| *counting)
    }

    /// Whether usage on observations of this type only repeats what others report.
    pub(super) fn is_uncounted_type(&self, kind: ObservationType) -> bool {
        self.uncounted_types.contains(&kind)
    }

    /// What a word of the `type` field means, and whether it names an operation whose usage only repeats
    /// what others report.
    pub(super) fn type_of(&self, word: &[u8]) -> (Option<ObservationType>, bool) {
        let mut buffer = [0; WORD_BYTES_MAX];
        let Some(lower) = buffer.get_mut(..word.len()) else {
            return (None, false);
        };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        (
            self.types.get(&*lower).copied(),
            self.uncounted_operations.contains(&*lower),
        )
    }
}

fn lower(word: &str) -> Box<[u8]> {
    word.to_ascii_lowercase().into_bytes().into_boxed_slice()
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
        assert_eq!(map.type_of(b"LLM"), (Some(ObservationType::Generation), false));
        assert_eq!(
            map.type_of(b"ai.generateText"),
            (Some(ObservationType::Span), true)
        );
        assert_eq!(map.type_of(&[b'x'; 65]), (None, false));
    }

    #[test]
    fn maps_that_make_no_sense_are_refused_by_name() {
        let refusal = |text: &str| AttributeMap::from_toml(text).unwrap_err().to_string();
        assert_eq!(
            refusal("version = 2\n[fields]"),
            "the attribute map has version 2; this release reads version 1"
        );
        let cases = [
            (
                "model = [{ at = \"/a\" }]",
                "field `Model`, source 1: give either `key` or `prefix`",
            ),
            (
                "model = [\"a\", \"\"]",
                "field `Model`, source 2: the name is empty",
            ),
            (
                "model = [{ prefix = \"a.\" }]",
                "field `Model`, source 1: `prefix` serves only metadata, input and output",
            ),
            (
                "model = [{ key = \"a\", unit = \"s\" }]",
                "field `Model`, source 1: `unit` serves only durations",
            ),
            (
                "release = [{ key = \"a\", counting = \"exclusive\" }]",
                "field `Release`, source 1: `counting` serves only token counts",
            ),
            (
                "model = [{ key = \"a\", at = \"b\" }]",
                "field `Model`, source 1: `at` must be a JSON pointer such as `/input`",
            ),
            (
                "tags = [{ key = \"a\", at = \"/b\" }]",
                "field `Tags`, source 1: `at` serves only text, counts and money",
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(refusal(&format!("version = 1\n[fields]\n{line}")), expected);
        }
        assert!(
            refusal("version = 1\n[fields]\nnonsense = []").starts_with("the attribute map cannot be read")
        );
    }
}
