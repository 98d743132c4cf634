//! Reads the protobuf wire format in place: an iterator over the fields of one message, each borrowed from
//! the request body. Nothing is allocated, nothing is copied, and no input makes it panic or recurse.
//!
//! It knows no schema. [`super::view`] gives OTLP's messages their names, and [`super::validate`] decides
//! what a malformed body costs. Writing protobuf is in [`super::encode`].

/// Nested groups deeper than this make the message malformed. Groups are long obsolete; they are only
/// ever skipped.
const GROUP_DEPTH_MAX: usize = 32;

/// Why bytes are not a protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The message ends in the middle of a field.
    #[error("the message ends in the middle of a field")]
    Truncated,
    /// A variable-length integer of more than 64 bits.
    #[error("a varint exceeds 64 bits")]
    VarintTooLong,
    /// Field number zero, or one beyond the format's range.
    #[error("a field number is out of range")]
    FieldNumber,
    /// Wire type 6 or 7, which do not exist.
    #[error("a field has an unknown wire type")]
    WireType,
    /// A group that does not end where it should, or that is nested too deeply.
    #[error("a group is not closed, or is nested too deeply")]
    Group,
    /// A known field with another wire type than the schema gives it: a message of another kind.
    #[error("a field has another type than its message gives it")]
    Mismatch,
}

/// A field's content, by wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Integers, booleans and enums.
    Varint(u64),
    /// `fixed64`, `sfixed64` and `double`.
    Fixed64(u64),
    /// Strings, bytes, embedded messages and packed scalars.
    Bytes(&'a [u8]),
    /// `fixed32`, `sfixed32` and `float`.
    Fixed32(u32),
    /// A group, whole and skipped. No schema of ours has any, so under a known number it is a mismatch.
    Group,
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The number that the schema gives the field.
    pub number: u32,
    /// What it holds.
    pub value: Value<'a>,
}

impl<'a> Field<'a> {
    /// The content of a field that the schema says is length-delimited.
    #[inline]
    pub const fn bytes(&self) -> Result<&'a [u8], WireError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(WireError::Mismatch),
        }
    }

    /// The content of a field that the schema says is an integer, boolean or enum.
    #[inline]
    pub const fn varint(&self) -> Result<u64, WireError> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => Err(WireError::Mismatch),
        }
    }

    /// The content of a field that the schema says is eight bytes wide.
    #[inline]
    pub const fn fixed64(&self) -> Result<u64, WireError> {
        match self.value {
            Value::Fixed64(value) => Ok(value),
            _ => Err(WireError::Mismatch),
        }
    }

    /// The content of a field that the schema says is four bytes wide.
    #[inline]
    pub const fn fixed32(&self) -> Result<u32, WireError> {
        match self.value {
            Value::Fixed32(value) => Ok(value),
            _ => Err(WireError::Mismatch),
        }
    }
}

/// Iterates over the fields of a message in the order in which they were written. What is in a group is
/// skipped. After an error the iterator is at its end.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

#[expect(
    clippy::inline_always,
    reason = "every read of a field passes here; measured a fifth quicker"
)]
impl<'a> Fields<'a> {
    /// The fields of `message`.
    #[inline]
    pub const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// How many bytes have not been read yet.
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    #[inline(always)]
    fn read(&mut self) -> Result<Option<Field<'a>>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = self.tag()?;
        let value = match wire_type {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Value::Bytes(self.length_delimited()?),
            3 => {
                self.skip_group(number)?;
                Value::Group
            }
            4 => return Err(WireError::Group),
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(WireError::WireType),
        };
        Ok(Some(Field { number, value }))
    }

    #[inline(always)]
    fn tag(&mut self) -> Result<(u32, u8), WireError> {
        let key = u32::try_from(self.varint()?).map_err(|_| WireError::FieldNumber)?;
        if key >> 3 == 0 {
            return Err(WireError::FieldNumber);
        }
        Ok((key >> 3, (key & 7) as u8))
    }

    #[inline(always)]
    fn varint(&mut self) -> Result<u64, WireError> {
        // Nearly all tags are one byte and nearly all lengths one or two.
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            [low, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest;
                Ok(u64::from(low & 0x7f) | u64::from(*high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    #[cold]
    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for (index, byte) in self.rest.iter().take(10).enumerate() {
            // The tenth byte has room for one bit.
            if index == 9 && *byte > 1 {
                return Err(WireError::VarintTooLong);
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 {
            WireError::Truncated
        } else {
            WireError::VarintTooLong
        })
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    #[inline]
    fn length_delimited(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.varint()?).map_err(|_| WireError::Truncated)?;
        let (head, rest) = self.rest.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    #[cold]
    fn skip_group(&mut self, number: u32) -> Result<(), WireError> {
        let mut open = [0_u32; GROUP_DEPTH_MAX];
        open[0] = number;
        let mut depth = 1;
        while depth > 0 {
            if self.rest.is_empty() {
                return Err(WireError::Truncated);
            }
            let (number, wire_type) = self.tag()?;
            match wire_type {
                0 => drop(self.varint()?),
                1 => drop(self.array::<8>()?),
                2 => drop(self.length_delimited()?),
                3 => {
                    *open.get_mut(depth).ok_or(WireError::Group)? = number;
                    depth += 1;
                }
                4 if open[depth - 1] == number => depth -= 1,
                4 => return Err(WireError::Group),
                5 => drop(self.array::<4>()?),
                _ => return Err(WireError::WireType),
            }
        }
        Ok(())
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "every read of a field passes here; measured a fifth quicker"
    )]
    fn next(&mut self) -> Option<Self::Item> {
        match self.read() {
            Ok(field) => field.map(Ok),
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}

/// The length-delimited occurrences of one field number, wherever they stand in a message. Ends at the first
/// malformed field: what it walks has been validated before.
#[derive(Debug, Clone)]
pub struct Repeated<'a> {
    fields: Fields<'a>,
    number: u32,
}

impl<'a> Repeated<'a> {
    /// The occurrences of field `number` in `message`.
    #[inline]
    pub const fn new(message: &'a [u8], number: u32) -> Self {
        Self {
            fields: Fields::new(message),
            number,
        }
    }
}

impl<'a> Iterator for Repeated<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            match self.fields.next()?.ok()? {
                Field {
                    number,
                    value: Value::Bytes(bytes),
                } if number == self.number => return Some(bytes),
                _ => {}
            }
        }
    }
}

/// The varints of a packed field. Ends after the first malformed one.
#[derive(Debug, Clone)]
pub struct PackedVarints<'a> {
    rest: Fields<'a>,
}

impl<'a> PackedVarints<'a> {
    /// The values in a field's `bytes`.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: Fields::new(bytes),
        }
    }
}

impl Iterator for PackedVarints<'_> {
    type Item = Result<u64, WireError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.rest.is_empty() {
            return None;
        }
        let value = self.rest.varint();
        if value.is_err() {
            self.rest.rest = &[];
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Field<'_>>, WireError> {
        Fields::new(bytes).collect()
    }

    #[test]
    fn each_wire_type_is_read() {
        let bytes = [
            0x08, 0x96, 0x01, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 2, b'h', b'i', 0x25, 5, 0, 0, 0,
        ];
        let expected = vec![
            Field {
                number: 1,
                value: Value::Varint(150),
            },
            Field {
                number: 2,
                value: Value::Fixed64(1),
            },
            Field {
                number: 3,
                value: Value::Bytes(b"hi"),
            },
            Field {
                number: 4,
                value: Value::Fixed32(5),
            },
        ];
        assert_eq!(read(&bytes), Ok(expected));
    }

    #[test]
    fn groups_are_skipped_and_must_be_closed_by_their_own_number() {
        // Field 2 as a group that holds a nested group 3, then field 1.
        assert_eq!(
            read(&[0x13, 0x1b, 0x08, 1, 0x1c, 0x14, 0x08, 7]),
            Ok(vec![
                Field {
                    number: 2,
                    value: Value::Group
                },
                Field {
                    number: 1,
                    value: Value::Varint(7)
                }
            ])
        );
        assert_eq!(read(&[0x13, 0x1c]), Err(WireError::Group));
        assert_eq!(read(&[0x14]), Err(WireError::Group));
        assert_eq!(read(&[0x13, 0x08, 1]), Err(WireError::Truncated));
        assert_eq!(read(&[0x13; 64]), Err(WireError::Group));
    }

    #[test]
    fn malformed_bytes_are_named_and_end_the_iteration() {
        assert_eq!(read(&[0x0a, 5, 1]), Err(WireError::Truncated));
        assert_eq!(read(&[0x08, 0x80]), Err(WireError::Truncated));
        assert_eq!(read(&[0x0d, 1, 2]), Err(WireError::Truncated));
        assert_eq!(read(&[0x00, 1]), Err(WireError::FieldNumber));
        assert_eq!(read(&[0x0e]), Err(WireError::WireType));
        assert_eq!(
            read(&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2]),
            Err(WireError::VarintTooLong)
        );
        let mut fields = Fields::new(&[0x0e, 0x08, 1]);
        assert!(fields.next().is_some_and(|field| field.is_err()));
        assert!(fields.next().is_none());
    }

    #[test]
    fn packed_varints_are_read_to_the_first_malformed_one() {
        let read = |bytes| PackedVarints::new(bytes).collect::<Vec<_>>();
        assert_eq!(read(&[]), []);
        assert_eq!(read(&[1, 0x96, 0x01, 0]), [Ok(1), Ok(150), Ok(0)]);
        assert_eq!(read(&[7, 0x80]), [Ok(7), Err(WireError::Truncated)]);
    }

    #[test]
    fn the_widest_varint_is_read() {
        assert_eq!(
            read(&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
            Ok(vec![Field {
                number: 1,
                value: Value::Varint(u64::MAX)
            }])
        );
    }
}
