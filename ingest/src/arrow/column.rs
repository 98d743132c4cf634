//! Columns in the making. Each is written by row number, and rows that were never written get the column's
//! default when the next one is, or at the end: a column that most rows leave alone costs those rows nothing.

use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Int32Type};
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, FixedSizeBinaryArray, PrimitiveArray, StringArray,
};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};
use hashbrown::{DefaultHashBuilder, HashTable};

/// Length as an offset. Batches are sealed long before they hold two gigabytes (see `BATCH_BYTES_MAX`).
pub(super) fn offset(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// An offset or number, as a position in a buffer.
pub(super) fn position(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

/// Whether two short texts are the same. Names and values are compared several times per attribute, and most are
/// shorter than what a call of the library's comparison costs: measured, a tenth of encoding.
#[inline]
pub(super) fn is_same(left: &[u8], right: &[u8]) -> bool {
    const WORD: usize = size_of::<u64>();
    if left.len() != right.len() {
        return false;
    }
    let ((left_words, left_rest), (right_words, right_rest)) =
        (left.as_chunks::<WORD>(), right.as_chunks::<WORD>());
    let words_agree = left_words
        .iter()
        .zip(right_words)
        .all(|(left, right)| u64::from_ne_bytes(*left) == u64::from_ne_bytes(*right));
    words_agree
        && match (left.last_chunk::<WORD>(), right.last_chunk::<WORD>()) {
            (Some(left), Some(right)) => left == right,
            _ => left_rest
                .iter()
                .zip(right_rest)
                .all(|(left, right)| left == right),
        }
}

/// Values back to back in one buffer: UTF-8 is checked once for all of them, at the end.
#[derive(Debug)]
pub(super) struct TextBuffer {
    bytes: Vec<u8>,
    offsets: Vec<i32>,
}

impl Default for TextBuffer {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            offsets: vec![0],
        }
    }
}

impl TextBuffer {
    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.offsets.push(offset(self.bytes.len()));
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn get(&self, index: usize) -> &[u8] {
        match (self.offsets.get(index), self.offsets.get(index + 1)) {
            (Some(start), Some(end)) => &self.bytes[position(*start)..position(*end)],
            _ => &[],
        }
    }

    /// Repeats the values in `range`.
    pub(super) fn repeat(&mut self, range: Range<usize>) {
        let (start, end) = (self.offsets[range.start], self.offsets[range.end]);
        let shift = offset(self.bytes.len()).saturating_sub(start);
        self.bytes.extend_from_within(position(start)..position(end));
        for index in range {
            self.offsets.push(self.offsets[index + 1].saturating_add(shift));
        }
    }

    pub(super) fn finish(self) -> StringArray {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let bytes = Buffer::from_vec(self.bytes);
        match StringArray::try_new(offsets.clone(), bytes.clone(), None) {
            Ok(array) => array,
            Err(_) => repaired(&offsets, &bytes),
        }
    }
}

/// Only text that was never validated comes here: what is not UTF-8 is replaced.
#[cold]
fn repaired(offsets: &OffsetBuffer<i32>, bytes: &[u8]) -> StringArray {
    let values = offsets
        .windows(2)
        .map(|pair| &bytes[position(pair[0])..position(pair[1])]);
    values.map(|value| Some(String::from_utf8_lossy(value))).collect()
}

/// Plain text.
#[derive(Debug, Default)]
pub(super) struct TextColumn {
    values: TextBuffer,
    default: &'static [u8],
}

impl TextColumn {
    pub(super) fn with_default(default: &'static str) -> Self {
        Self {
            values: TextBuffer::default(),
            default: default.as_bytes(),
        }
    }

    fn fill(&mut self, rows: usize) {
        while self.values.len() < rows {
            self.values.push(self.default);
        }
    }

    #[inline]
    pub(super) fn put(&mut self, row: usize, value: &[u8]) {
        if !is_same(value, self.default) {
            self.fill(row);
            self.values.push(value);
        }
    }

    pub(super) fn finish(mut self, rows: usize) -> ArrayRef {
        self.fill(rows);
        Arc::new(self.values.finish())
    }
}

/// Distinct texts, numbered in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    values: TextBuffer,
    table: HashTable<i32>,
    hasher: DefaultHashBuilder,
}

impl Distinct {
    pub(super) fn intern(&mut self, value: &[u8]) -> i32 {
        let (values, hasher) = (&mut self.values, &self.hasher);
        let hash = hasher.hash_one(value);
        let found = self
            .table
            .find(hash, |id| is_same(values.get(position(*id)), value));
        if let Some(id) = found {
            return *id;
        }
        let id = offset(values.len());
        values.push(value);
        self.table
            .insert_unique(hash, id, |id| hasher.hash_one(values.get(position(*id))));
        id
    }

    fn get(&self, id: i32) -> &[u8] {
        self.values.get(position(id))
    }

    pub(super) fn finish(self, keys: Vec<i32>) -> Result<ArrayRef, ArrowError> {
        let keys = PrimitiveArray::<Int32Type>::new(ScalarBuffer::from(keys), None);
        Ok(Arc::new(DictionaryArray::try_new(
            keys,
            Arc::new(self.values.finish()),
        )?))
    }
}

/// Text of which few values differ.
#[derive(Debug, Default)]
pub(super) struct WordColumn {
    keys: Vec<i32>,
    distinct: Distinct,
    /// The last value's number: runs of one value are the rule.
    last: i32,
}

impl WordColumn {
    fn fill(&mut self, rows: usize) {
        if self.keys.len() < rows {
            let empty = self.distinct.intern(b"");
            self.keys.resize(rows, empty);
        }
    }

    #[inline]
    pub(super) fn put(&mut self, row: usize, value: &[u8]) {
        if value.is_empty() {
            return;
        }
        self.fill(row);
        if !is_same(self.distinct.get(self.last), value) {
            self.last = self.distinct.intern(value);
        }
        self.keys.push(self.last);
    }

    /// Gives `row` the value of the row before.
    #[inline]
    pub(super) fn again(&mut self, row: usize) {
        if self.keys.len() == row
            && let Some(key) = self.keys.last()
        {
            self.keys.push(*key);
        }
    }

    pub(super) fn finish(mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.fill(rows);
        self.distinct.finish(self.keys)
    }
}

/// Numbers.
#[derive(Debug)]
pub(super) struct NumberColumn<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
}

impl<T: ArrowPrimitiveType> Default for NumberColumn<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<T: ArrowPrimitiveType> NumberColumn<T> {
    #[inline]
    pub(super) fn put(&mut self, row: usize, value: T::Native) {
        if value != T::Native::default() {
            self.values.resize(row, T::Native::default());
            self.values.push(value);
        }
    }

    /// Writes the value bit by bit: the zero that is below zero, too.
    #[inline]
    pub(super) fn put_exact(&mut self, row: usize, value: T::Native) {
        self.values.resize(row, T::Native::default());
        self.values.push(value);
    }

    /// The column, as `data_type`, which is `T`'s or differs from it in parameters only.
    pub(super) fn finish(mut self, rows: usize, data_type: DataType) -> ArrayRef {
        self.values.resize(rows, T::Native::default());
        Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(self.values), None).with_data_type(data_type))
    }
}

/// Yes and no.
#[derive(Debug, Default)]
pub(super) struct FlagColumn {
    values: Vec<bool>,
}

impl FlagColumn {
    #[inline]
    pub(super) fn put(&mut self, row: usize, value: bool) {
        if value {
            self.values.resize(row, false);
            self.values.push(true);
        }
    }

    pub(super) fn finish(mut self, rows: usize) -> ArrayRef {
        self.values.resize(rows, false);
        Arc::new(BooleanArray::from(self.values))
    }
}

/// Ids of `N` bytes. An id of another length, which validation refuses, is cut or padded with zeroes.
#[derive(Debug, Default)]
pub(super) struct IdColumn<const N: usize> {
    bytes: Vec<u8>,
}

impl<const N: usize> IdColumn<N> {
    #[inline]
    pub(super) fn put(&mut self, row: usize, id: &[u8]) {
        if !id.is_empty() {
            self.bytes.resize(row * N, 0);
            self.bytes.extend_from_slice(&id[..id.len().min(N)]);
            self.bytes.resize((row + 1) * N, 0);
        }
    }

    pub(super) fn finish(mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.bytes.resize(rows * N, 0);
        Ok(Arc::new(FixedSizeBinaryArray::try_new(
            offset(N),
            Buffer::from_vec(self.bytes),
            None,
        )?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_only_if_every_byte_is() {
        let text: Vec<u8> = (0..40).collect();
        for length in 0..=text.len() {
            let whole = &text[..length];
            let elsewhere = text.clone();
            assert!(is_same(whole, &elsewhere[..length]), "{length}");
            assert!(length == 0 || !is_same(whole, &elsewhere[1..]), "{length}");
            for at in 0..length {
                let mut other = whole.to_vec();
                other[at] ^= 1;
                assert!(!is_same(whole, &other), "byte {at} of {length}");
            }
        }
    }
}
