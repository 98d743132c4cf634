//! Attributes: views of `KeyValue` and `AnyValue`. The rules of [`super::view`] apply.

use super::view::Text;
use super::wire::{Field, Fields, Repeated, Value};

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyValueView<'a> {
    /// The name.
    pub key: Text<'a>,
    /// The value; [`AnyValueView::Empty`] when the sender gave none.
    pub value: AnyValueView<'a>,
}

impl<'a> KeyValueView<'a> {
    /// Reads one `KeyValue` message.
    #[inline]
    pub fn new(message: &'a [u8]) -> Self {
        let mut view = Self {
            key: Text::default(),
            value: AnyValueView::Empty,
        };
        for field in Fields::new(message).map_while(Result::ok) {
            match field {
                Field {
                    number: 1,
                    value: Value::Bytes(key),
                } => view.key = Text(key),
                Field {
                    number: 2,
                    value: Value::Bytes(value),
                } => {
                    let value = AnyValueView::new(value);
                    // An empty piece adds nothing to what an earlier piece said.
                    if value != AnyValueView::Empty {
                        view.value = value;
                    }
                }
                _ => {}
            }
        }
        view
    }
}

/// A value of any of OTLP's types.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AnyValueView<'a> {
    /// No value: OTLP's null.
    Empty,
    /// Text.
    String(Text<'a>),
    /// True or false.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double, possibly not a number.
    Double(f64),
    /// Bytes without a meaning known to OTLP.
    Bytes(&'a [u8]),
    /// A list, of mixed types perhaps.
    Array(ArrayView<'a>),
    /// A map. Keys are expected, but not known, to be unique.
    KeyValueList(KeyValueListView<'a>),
}

impl<'a> AnyValueView<'a> {
    /// Reads one `AnyValue` message.
    #[inline]
    pub fn new(message: &'a [u8]) -> Self {
        let mut view = Self::Empty;
        for field in Fields::new(message).map_while(Result::ok) {
            view = match (field.number, field.value) {
                (1, Value::Bytes(text)) => Self::String(Text(text)),
                (2, Value::Varint(value)) => Self::Bool(value != 0),
                (3, Value::Varint(value)) => Self::Int(value.cast_signed()),
                (4, Value::Fixed64(bits)) => Self::Double(f64::from_bits(bits)),
                (5, Value::Bytes(message)) => Self::Array(ArrayView { message }),
                (6, Value::Bytes(message)) => Self::KeyValueList(KeyValueListView { message }),
                (7, Value::Bytes(bytes)) => Self::Bytes(bytes),
                _ => view,
            };
        }
        view
    }

    /// The text, if that is what it is.
    #[inline]
    pub const fn as_text(&self) -> Option<Text<'a>> {
        match self {
            Self::String(text) => Some(*text),
            _ => None,
        }
    }
}

/// Message `ArrayValue`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArrayView<'a> {
    message: &'a [u8],
}

impl<'a> ArrayView<'a> {
    /// The elements.
    #[inline]
    pub fn values(self) -> impl Iterator<Item = AnyValueView<'a>> + Clone {
        Repeated::new(self.message, 1).map(AnyValueView::new)
    }
}

/// Message `KeyValueList`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyValueListView<'a> {
    message: &'a [u8],
}

impl<'a> KeyValueListView<'a> {
    /// The entries.
    #[inline]
    pub fn entries(self) -> KeyValues<'a> {
        KeyValues::new(self.message, 1)
    }
}

/// The `KeyValue` occurrences of one field number in a message.
#[derive(Debug, Clone)]
pub struct KeyValues<'a> {
    entries: Repeated<'a>,
}

impl<'a> KeyValues<'a> {
    /// The attributes that field `number` of `message` holds.
    #[inline]
    pub const fn new(message: &'a [u8], number: u32) -> Self {
        Self {
            entries: Repeated::new(message, number),
        }
    }

    /// The last value under `key`.
    pub fn find(self, key: &str) -> Option<AnyValueView<'a>> {
        self.filter(|attribute| attribute.key == *key)
            .last()
            .map(|attribute| attribute.value)
    }
}

impl<'a> Iterator for KeyValues<'a> {
    type Item = KeyValueView<'a>;

    #[inline]
    fn next(&mut self) -> Option<KeyValueView<'a>> {
        self.entries.next().map(KeyValueView::new)
    }
}
