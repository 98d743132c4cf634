//! The attributes of items and resources as typed map columns.
//!
//! A key is resolved once per batch: to its number in each column, and to the rules that normalisation has
//! for it. Spans of one kind carry the same keys in the same order, so the key after a known one is guessed
//! before it is looked up.

use std::hash::BuildHasher;
use std::ops::Range;

use arrow_array::ArrayRef;
use arrow_schema::ArrowError;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::collection::{MapColumn, WordValues};
use super::column::{TextBuffer, is_same};
use crate::normalize::{AttributeMap, Capture, Disposition, KeyRules};
use crate::otlp::json_write::any_value_json;
use crate::otlp::value::{AnyValueView, KeyValueView};
use crate::otlp::view::Text;

/// A key has no number in a column yet.
const UNNUMBERED: i32 = -1;

/// Which column a type of value goes to.
#[derive(Debug, Clone, Copy)]
enum Kind {
    String,
    Int,
    Double,
    Bool,
    Other,
}

#[derive(Debug)]
struct Key<'m> {
    rules: KeyRules<'m>,
    /// The key's number in each column.
    numbers: [i32; 5],
    /// The key that came after this one last time.
    next: usize,
}

/// The columns `attributes_*`.
#[derive(Debug)]
pub(super) struct AttributeColumns<'m> {
    map: &'m AttributeMap,
    hasher: DefaultHashBuilder,
    table: HashTable<usize>,
    names: TextBuffer,
    keys: Vec<Key<'m>>,
    previous: usize,
    strings: MapColumn<TextBuffer>,
    ints: MapColumn<Vec<i64>>,
    doubles: MapColumn<Vec<f64>>,
    bools: MapColumn<Vec<bool>>,
    other: MapColumn<TextBuffer>,
    scratch: Vec<u8>,
}

impl<'m> AttributeColumns<'m> {
    pub(super) fn new(map: &'m AttributeMap) -> Self {
        Self {
            map,
            hasher: DefaultHashBuilder::default(),
            table: HashTable::new(),
            names: TextBuffer::default(),
            keys: Vec::new(),
            previous: 0,
            strings: MapColumn::default(),
            ints: MapColumn::default(),
            doubles: MapColumn::default(),
            bools: MapColumn::default(),
            other: MapColumn::default(),
            scratch: Vec::new(),
        }
    }

    /// Offers the attribute to `capture`, and stores it unless it moves elsewhere.
    #[inline]
    pub(super) fn push<'a>(&mut self, row: usize, attribute: KeyValueView<'a>, capture: &mut Capture<'a>) {
        let key = self.resolve(attribute.key.as_bytes());
        let rules = self.keys[key].rules;
        if !rules.is_empty()
            && capture.offer(self.map, rules, attribute.key, attribute.value) == Disposition::Move
        {
            return;
        }
        self.store(row, key, attribute.value);
    }

    /// Stores an attribute as it is.
    #[inline]
    pub(super) fn push_plain(&mut self, row: usize, attribute: KeyValueView<'_>) {
        let key = self.resolve(attribute.key.as_bytes());
        self.store(row, key, attribute.value);
    }

    /// Stores an attribute that normalisation is not asked about.
    pub(super) fn push_text(&mut self, row: usize, key: &[u8], value: &[u8]) {
        let key = self.resolve(key);
        self.store(row, key, AnyValueView::String(Text(value)));
    }

    #[inline]
    fn store(&mut self, row: usize, key: usize, value: AnyValueView<'_>) {
        match value {
            AnyValueView::String(text) => {
                let name = number(&mut self.keys, &self.names, key, Kind::String, &mut self.strings);
                self.strings.push(row, name, text.as_bytes());
            }
            AnyValueView::Int(value) => {
                let name = number(&mut self.keys, &self.names, key, Kind::Int, &mut self.ints);
                self.ints.push(row, name, value);
            }
            AnyValueView::Double(value) => {
                let name = number(&mut self.keys, &self.names, key, Kind::Double, &mut self.doubles);
                self.doubles.push(row, name, value);
            }
            AnyValueView::Bool(value) => {
                let name = number(&mut self.keys, &self.names, key, Kind::Bool, &mut self.bools);
                self.bools.push(row, name, value);
            }
            nested => {
                let name = number(&mut self.keys, &self.names, key, Kind::Other, &mut self.other);
                self.scratch.clear();
                any_value_json(nested, &mut self.scratch);
                self.other.push(row, name, &self.scratch);
            }
        }
    }

    #[inline]
    fn resolve(&mut self, key: &[u8]) -> usize {
        let guess = self.keys.get(self.previous).map_or(0, |previous| previous.next);
        let found = if guess < self.keys.len() && is_same(self.names.get(guess), key) {
            guess
        } else {
            self.look_up(key)
        };
        if let Some(previous) = self.keys.get_mut(self.previous) {
            previous.next = found;
        }
        self.previous = found;
        found
    }

    fn look_up(&mut self, key: &[u8]) -> usize {
        let (names, hasher) = (&mut self.names, &self.hasher);
        let hash = hasher.hash_one(key);
        if let Some(index) = self.table.find(hash, |index| names.get(*index) == key) {
            return *index;
        }
        let index = self.keys.len();
        names.push(key);
        self.keys.push(Key {
            rules: self.map.rules(key),
            numbers: [UNNUMBERED; 5],
            next: index + 1,
        });
        self.table
            .insert_unique(hash, index, |index| hasher.hash_one(names.get(*index)));
        index
    }

    pub(super) fn finish(
        self,
        rows: usize,
        out: &mut Vec<(&'static str, ArrayRef)>,
    ) -> Result<(), ArrowError> {
        out.push(("attributes_string", self.strings.finish(rows)?));
        out.push(("attributes_int", self.ints.finish(rows)?));
        out.push(("attributes_double", self.doubles.finish(rows)?));
        out.push(("attributes_bool", self.bools.finish(rows)?));
        out.push(("attributes_other", self.other.finish(rows)?));
        Ok(())
    }
}

/// The number of a key in one column.
#[inline]
fn number<V>(
    keys: &mut [Key<'_>],
    names: &TextBuffer,
    key: usize,
    kind: Kind,
    column: &mut MapColumn<V>,
) -> i32 {
    let number = &mut keys[key].numbers[kind as usize];
    if *number == UNNUMBERED {
        *number = column.distinct.intern(names.get(key));
    }
    *number
}

/// The columns `resource_*`: written once per resource, repeated for its other spans.
#[derive(Debug, Default)]
pub(super) struct ResourceColumns {
    strings: MapColumn<WordValues>,
    other: MapColumn<WordValues>,
    /// The resource last written.
    written: Option<u64>,
    string_entries: Range<usize>,
    other_entries: Range<usize>,
}

impl ResourceColumns {
    /// Gives `row` the resource's attributes. `id` tells resources apart.
    pub(super) fn put<'a>(
        &mut self,
        row: usize,
        id: u64,
        attributes: impl Iterator<Item = KeyValueView<'a>>,
    ) {
        if self.written == Some(id) {
            self.strings.repeat(row, self.string_entries.clone());
            self.other.repeat(row, self.other_entries.clone());
            return;
        }
        let mut json = Vec::new();
        for attribute in attributes {
            if let AnyValueView::String(text) = attribute.value {
                let name = self.strings.distinct.intern(attribute.key.as_bytes());
                self.strings.push(row, name, text.as_bytes());
            } else {
                json.clear();
                any_value_json(attribute.value, &mut json);
                let name = self.other.distinct.intern(attribute.key.as_bytes());
                self.other.push(row, name, &json);
            }
        }
        self.written = Some(id);
        self.string_entries = self.strings.entries_of(row);
        self.other_entries = self.other.entries_of(row);
    }

    pub(super) fn finish(
        self,
        rows: usize,
        out: &mut Vec<(&'static str, ArrayRef)>,
    ) -> Result<(), ArrowError> {
        out.push(("resource_string", self.strings.finish(rows)?));
        out.push(("resource_other", self.other.finish(rows)?));
        Ok(())
    }
}
