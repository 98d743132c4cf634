//! Typed access to the columns of a result, by name. A column of another type is a defect of ours and ends
//! in an error, never in a panic.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float64Type, Int8Type, Int32Type, Int64Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array, MapArray,
    RecordBatch, StringArray,
};
use brokle_model::id::{SpanId, TraceId};

use super::ShapeError;

/// The columns of one batch.
pub(super) struct Columns<'a> {
    batch: &'a RecordBatch,
}

type Read<T> = Result<T, ShapeError>;

impl<'a> Columns<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Self {
        Self { batch }
    }

    pub(super) fn text(&self, name: &'static str) -> Read<&'a StringArray> {
        self.array(name)?
            .as_string_opt()
            .ok_or_else(|| wrong(name, "text"))
    }

    pub(super) fn flag(&self, name: &'static str) -> Read<Flags<'a>> {
        let array = self.array(name)?;
        let flags = array.as_boolean_opt().map(Flags::Bits);
        let flags = flags.or_else(|| array.as_primitive_opt::<UInt8Type>().map(Flags::Bytes));
        flags.ok_or_else(|| wrong(name, "a truth value"))
    }

    pub(super) fn number(&self, name: &'static str) -> Read<Numbers<'a>> {
        Ok(Numbers(self.array(name)?, name))
    }

    /// A number that may be absent.
    pub(super) fn double(&self, name: &'static str, row: usize) -> Read<Option<f64>> {
        let numbers = self.array(name)?.as_primitive_opt::<Float64Type>();
        let numbers = numbers.ok_or_else(|| wrong(name, "a number"))?;
        Ok(numbers.is_valid(row).then(|| numbers.value(row)))
    }

    pub(super) fn signed(&self, name: &'static str) -> Read<&'a Int32Array> {
        let numbers = self.array(name)?.as_primitive_opt::<Int32Type>();
        numbers.ok_or_else(|| wrong(name, "a signed number"))
    }

    pub(super) fn nanos(&self, name: &'static str) -> Read<&'a [i64]> {
        let times = self.array(name)?.as_primitive_opt::<TimestampNanosecondType>();
        times
            .map(|times| &times.values()[..])
            .ok_or_else(|| wrong(name, "a time in nanoseconds"))
    }

    pub(super) fn traces(&self, name: &'static str) -> Read<Ids<'a>> {
        self.ids(name, 16)
    }

    pub(super) fn spans(&self, name: &'static str) -> Read<Ids<'a>> {
        self.ids(name, 8)
    }

    pub(super) fn texts(&self, name: &'static str, row: usize) -> Read<Vec<String>> {
        let items = self.items(name, row)?;
        let items = items
            .as_string_opt::<i32>()
            .ok_or_else(|| wrong(name, "a list of texts"))?;
        Ok(items.iter().flatten().map(str::to_owned).collect())
    }

    pub(super) fn float(&self, name: &'static str) -> Read<&'a Float64Array> {
        let numbers = self.array(name)?.as_primitive_opt::<Float64Type>();
        numbers.ok_or_else(|| wrong(name, "a double"))
    }

    pub(super) fn integer(&self, name: &'static str) -> Read<&'a Int64Array> {
        let numbers = self.array(name)?.as_primitive_opt::<Int64Type>();
        numbers.ok_or_else(|| wrong(name, "a 64-bit integer"))
    }

    pub(super) fn counts(&self, name: &'static str, row: usize) -> Read<Vec<u64>> {
        let items = self.items(name, row)?;
        let numbers = items.as_primitive_opt::<UInt64Type>();
        let numbers = numbers.ok_or_else(|| wrong(name, "a list of counts"))?;
        Ok(numbers.values().to_vec())
    }

    pub(super) fn doubles(&self, name: &'static str, row: usize) -> Read<Vec<f64>> {
        let items = self.items(name, row)?;
        let numbers = items.as_primitive_opt::<Float64Type>();
        let numbers = numbers.ok_or_else(|| wrong(name, "a list of doubles"))?;
        Ok(numbers.values().to_vec())
    }

    fn items(&self, name: &'static str, row: usize) -> Read<ArrayRef> {
        let lists = self
            .array(name)?
            .as_list_opt::<i32>()
            .ok_or_else(|| wrong(name, "a list"))?;
        Ok(lists.value(row))
    }

    pub(super) fn map(&self, name: &'static str) -> Read<Maps<'a>> {
        let maps = self
            .array(name)?
            .as_map_opt()
            .ok_or_else(|| wrong(name, "a map"))?;
        Ok(Maps { maps, name })
    }

    fn ids(&self, name: &'static str, bytes: i32) -> Read<Ids<'a>> {
        let ids = self
            .array(name)?
            .as_fixed_size_binary_opt()
            .filter(|ids| ids.value_length() == bytes);
        ids.map(Ids).ok_or_else(|| wrong(name, "an id"))
    }

    fn array(&self, name: &'static str) -> Read<&'a ArrayRef> {
        self.batch
            .column_by_name(name)
            .ok_or_else(|| wrong(name, "there"))
    }
}

const fn wrong(column: &'static str, expected: &'static str) -> ShapeError {
    ShapeError { column, expected }
}

/// Truth values, which come as bits or as bytes.
pub(super) enum Flags<'a> {
    Bits(&'a BooleanArray),
    Bytes(&'a arrow_array::UInt8Array),
}

impl Flags<'_> {
    pub(super) fn get(&self, row: usize) -> bool {
        match self {
            Self::Bits(bits) => bits.value(row),
            Self::Bytes(bytes) => bytes.value(row) != 0,
        }
    }
}

/// Whole numbers of any width, none of them negative.
pub(super) struct Numbers<'a>(&'a ArrayRef, &'static str);

impl Numbers<'_> {
    pub(super) fn get(&self, row: usize) -> Read<u64> {
        let array = self.0;
        let wide = array
            .as_primitive_opt::<UInt64Type>()
            .map(|numbers| numbers.value(row));
        let number = wide
            .or_else(|| {
                array
                    .as_primitive_opt::<UInt32Type>()
                    .map(|numbers| numbers.value(row).into())
            })
            .or_else(|| {
                array
                    .as_primitive_opt::<UInt16Type>()
                    .map(|numbers| numbers.value(row).into())
            })
            .or_else(|| {
                array
                    .as_primitive_opt::<UInt8Type>()
                    .map(|numbers| numbers.value(row).into())
            })
            .or_else(|| {
                let signed = array
                    .as_primitive_opt::<Int64Type>()
                    .map(|numbers| numbers.value(row));
                signed.and_then(|number| u64::try_from(number).ok())
            })
            .or_else(|| {
                let signed = array
                    .as_primitive_opt::<Int8Type>()
                    .map(|numbers| numbers.value(row));
                signed.and_then(|number| u64::try_from(number).ok())
            });
        number.ok_or_else(|| wrong(self.1, "a whole number"))
    }

    pub(super) fn get_u32(&self, row: usize) -> Read<u32> {
        u32::try_from(self.get(row)?).map_err(|_| wrong(self.1, "a 32-bit number"))
    }

    pub(super) fn get_u8(&self, row: usize) -> Read<u8> {
        u8::try_from(self.get(row)?).map_err(|_| wrong(self.1, "an 8-bit number"))
    }
}

/// Trace or span ids.
pub(super) struct Ids<'a>(&'a FixedSizeBinaryArray);

impl Ids<'_> {
    pub(super) fn trace(&self, row: usize) -> TraceId {
        TraceId::from_bytes(self.0.value(row).try_into().unwrap_or_default())
    }

    pub(super) fn span(&self, row: usize) -> SpanId {
        SpanId::from_bytes(self.0.value(row).try_into().unwrap_or_default())
    }
}

/// Maps from text to one type.
pub(super) struct Maps<'a> {
    maps: &'a MapArray,
    name: &'static str,
}

impl Maps<'_> {
    pub(super) fn texts(&self, row: usize) -> Read<Vec<(String, String)>> {
        self.entries(row, |values, index| {
            Some(values.as_string_opt::<i32>()?.value(index).to_owned())
        })
    }

    pub(super) fn integers(&self, row: usize) -> Read<Vec<(String, i64)>> {
        self.entries(row, |values, index| {
            Some(values.as_primitive_opt::<Int64Type>()?.value(index))
        })
    }

    pub(super) fn doubles(&self, row: usize) -> Read<Vec<(String, f64)>> {
        self.entries(row, |values, index| {
            Some(values.as_primitive_opt::<Float64Type>()?.value(index))
        })
    }

    pub(super) fn flags(&self, row: usize) -> Read<Vec<(String, bool)>> {
        self.entries(row, |values, index| {
            let bits = values.as_boolean_opt().map(|bits| bits.value(index));
            bits.or_else(|| Some(values.as_primitive_opt::<UInt8Type>()?.value(index) != 0))
        })
    }

    fn entries<T>(&self, row: usize, read: impl Fn(&ArrayRef, usize) -> Option<T>) -> Read<Vec<(String, T)>> {
        let entries = self.maps.value(row);
        let (keys, values) = (entries.column(0), entries.column(1));
        let keys = keys
            .as_string_opt::<i32>()
            .ok_or_else(|| wrong(self.name, "a map with text keys"))?;
        let pairs = (0..keys.len()).map(|index| Some((keys.value(index).to_owned(), read(values, index)?)));
        pairs
            .collect::<Option<_>>()
            .ok_or_else(|| wrong(self.name, "a map of the expected type"))
    }
}
