//! Map and list columns in the making, by the rules of `column`.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Decimal128Type, Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, MapArray, PrimitiveArray, StructArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field};

use super::column::{Distinct, TextBuffer, offset, position};
use super::schema;

/// The values of a map column.
pub(super) trait MapValues: Default {
    type Item<'v>: Copy;
    fn push(&mut self, value: Self::Item<'_>);
    fn repeat(&mut self, range: Range<usize>);
    fn finish(self) -> Result<ArrayRef, ArrowError>;
}

impl MapValues for TextBuffer {
    type Item<'v> = &'v [u8];

    fn push(&mut self, value: &[u8]) {
        Self::push(self, value);
    }

    fn repeat(&mut self, range: Range<usize>) {
        Self::repeat(self, range);
    }

    fn finish(self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(Self::finish(self)))
    }
}

/// Text values of which few differ: repeating a long one costs four bytes.
#[derive(Debug, Default)]
pub(super) struct WordValues {
    words: Vec<i32>,
    distinct: Distinct,
}

impl MapValues for WordValues {
    type Item<'v> = &'v [u8];

    fn push(&mut self, value: &[u8]) {
        let word = self.distinct.intern(value);
        self.words.push(word);
    }

    fn repeat(&mut self, range: Range<usize>) {
        self.words.extend_from_within(range);
    }

    fn finish(self) -> Result<ArrayRef, ArrowError> {
        self.distinct.finish(self.words)
    }
}

impl MapValues for Vec<bool> {
    type Item<'v> = bool;

    fn push(&mut self, value: bool) {
        Self::push(self, value);
    }

    fn repeat(&mut self, range: Range<usize>) {
        self.extend_from_within(range);
    }

    fn finish(self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(BooleanArray::from(self)))
    }
}

macro_rules! number_map_values {
    ($native:ty, $arrow:ty, $data_type:expr) => {
        impl MapValues for Vec<$native> {
            type Item<'v> = $native;

            fn push(&mut self, value: $native) {
                Self::push(self, value);
            }

            fn repeat(&mut self, range: Range<usize>) {
                self.extend_from_within(range);
            }

            fn finish(self) -> Result<ArrayRef, ArrowError> {
                let array = PrimitiveArray::<$arrow>::new(ScalarBuffer::from(self), None);
                Ok(Arc::new(array.with_data_type($data_type)))
            }
        }
    };
}

number_map_values!(i64, Int64Type, DataType::Int64);
number_map_values!(u64, UInt64Type, DataType::UInt64);
number_map_values!(f64, Float64Type, DataType::Float64);
number_map_values!(i128, Decimal128Type, schema::MONEY);

/// Maps with a small set of names.
#[derive(Debug, Default)]
pub(super) struct MapColumn<V> {
    /// Where each row's entries begin.
    starts: Vec<i32>,
    names: Vec<i32>,
    pub(super) distinct: Distinct,
    values: V,
}

impl<V: MapValues> MapColumn<V> {
    fn fill(&mut self, rows: usize) {
        if self.starts.len() < rows {
            self.starts.resize(rows, offset(self.names.len()));
        }
    }

    /// Adds an entry to `row`, under a name that `distinct` numbered.
    #[inline]
    pub(super) fn push(&mut self, row: usize, name: i32, value: V::Item<'_>) {
        self.fill(row + 1);
        self.names.push(name);
        self.values.push(value);
    }

    /// Adds an entry to `row`, unless the row has one of that name.
    pub(super) fn insert(&mut self, row: usize, name: &[u8], value: V::Item<'_>) {
        let name = self.distinct.intern(name);
        let range = self.entries_of(row);
        if !self.names[range].contains(&name) {
            self.push(row, name, value);
        }
    }

    /// Where `row`'s entries are, as long as it is the last row.
    pub(super) fn entries_of(&self, row: usize) -> Range<usize> {
        let start = self
            .starts
            .get(row)
            .map_or(self.names.len(), |start| position(*start));
        start..self.names.len()
    }

    /// Gives `row` the same entries as an earlier row had.
    pub(super) fn repeat(&mut self, row: usize, entries: Range<usize>) {
        if !entries.is_empty() {
            self.fill(row + 1);
            self.names.extend_from_within(entries.clone());
            self.values.repeat(entries);
        }
    }

    pub(super) fn finish(mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.fill(rows + 1);
        let values = self.values.finish()?;
        let fields = schema::entry_fields(values.data_type().clone());
        let names = self.distinct.finish(self.names)?;
        let entries = StructArray::try_new(fields.clone(), vec![names, values], None)?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.starts));
        let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
        Ok(Arc::new(MapArray::try_new(field, offsets, entries, None, false)?))
    }
}

/// Lists of words.
#[derive(Debug, Default)]
pub(super) struct WordsColumn {
    starts: Vec<i32>,
    words: Vec<i32>,
    distinct: Distinct,
}

impl WordsColumn {
    /// Adds `word` to `row`, once.
    pub(super) fn insert(&mut self, row: usize, word: &[u8]) {
        if word.is_empty() {
            return;
        }
        let word = self.distinct.intern(word);
        self.starts.resize(row + 1, offset(self.words.len()));
        let start = position(self.starts[row]);
        if !self.words[start..].contains(&word) {
            self.words.push(word);
        }
    }

    pub(super) fn finish(mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.starts.resize(rows + 1, offset(self.words.len()));
        let words = self.distinct.finish(self.words)?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.starts));
        Ok(Arc::new(ListArray::try_new(
            schema::item_field(),
            offsets,
            words,
            None,
        )?))
    }
}

/// Lists of numbers.
#[derive(Debug)]
pub(super) struct NumbersColumn<T: ArrowPrimitiveType> {
    starts: Vec<i32>,
    numbers: Vec<T::Native>,
}

impl<T: ArrowPrimitiveType> Default for NumbersColumn<T> {
    fn default() -> Self {
        Self {
            starts: Vec::new(),
            numbers: Vec::new(),
        }
    }
}

impl<T: ArrowPrimitiveType> NumbersColumn<T> {
    /// Gives `row` these numbers.
    pub(super) fn put(&mut self, row: usize, numbers: impl Iterator<Item = T::Native>) {
        self.starts.resize(row + 1, offset(self.numbers.len()));
        self.numbers.extend(numbers);
    }

    pub(super) fn finish(mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.starts.resize(rows + 1, offset(self.numbers.len()));
        let numbers = PrimitiveArray::<T>::new(ScalarBuffer::from(self.numbers), None);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.starts));
        let field = schema::number_item_field(T::DATA_TYPE);
        Ok(Arc::new(ListArray::try_new(
            field,
            offsets,
            Arc::new(numbers),
            None,
        )?))
    }
}
