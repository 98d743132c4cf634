//! Writes the protobuf wire format: as little of it as the receivers need. Sub-messages are written in place,
//! with their length moved in before them afterwards.

/// A message being written. Unlike a generated encoder it writes what it is told, defaults included.
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// An encoder with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
        }
    }

    /// The message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How much has been written.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Writes an integer, boolean or enum.
    pub fn varint(&mut self, number: u32, value: u64) {
        self.tag(number, 0);
        self.raw_varint(value);
    }

    /// Writes a `fixed64` or `double`.
    pub fn fixed64(&mut self, number: u32, value: u64) {
        self.tag(number, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes a `fixed32`.
    pub fn fixed32(&mut self, number: u32, value: u32) {
        self.tag(number, 5);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes bytes, text, or a message that is already encoded.
    pub fn bytes(&mut self, number: u32, value: &[u8]) {
        self.tag(number, 2);
        self.raw_varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// Writes a sub-message.
    pub fn message<R>(&mut self, number: u32, write: impl FnOnce(&mut Self) -> R) -> R {
        let open = self.open(number);
        let result = write(self);
        self.close(open);
        result
    }

    /// Begins a sub-message; [`Self::close`] ends it. For callers that cannot write it in one closure.
    pub fn open(&mut self, number: u32) -> OpenMessage {
        self.tag(number, 2);
        // Most messages are shorter than 128 bytes: one byte of length is kept free.
        self.bytes.push(0);
        OpenMessage {
            start: self.bytes.len(),
        }
    }

    /// Ends the sub-message that [`Self::open`] began.
    pub fn close(&mut self, OpenMessage { start }: OpenMessage) {
        let length = self.bytes.len() - start;
        let mut prefix = [0_u8; 10];
        let prefix_length = write_varint(length as u64, &mut prefix);
        self.bytes[start - 1] = prefix[0];
        if prefix_length > 1 {
            self.bytes
                .splice(start..start, prefix[1..prefix_length].iter().copied());
        }
    }

    /// Writes an element of a packed field that has been [opened](Self::open).
    pub fn packed_fixed64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes an element of a packed field that has been [opened](Self::open).
    pub fn packed_varint(&mut self, value: u64) {
        self.raw_varint(value);
    }

    /// Appends bytes that already are whole fields.
    pub fn raw(&mut self, fields: &[u8]) {
        self.bytes.extend_from_slice(fields);
    }

    /// Takes out whole fields that were written before.
    pub fn remove(&mut self, start: usize, end: usize) {
        self.bytes.drain(start..end);
    }

    fn tag(&mut self, number: u32, wire_type: u32) {
        self.raw_varint(u64::from(number << 3 | wire_type));
    }

    fn raw_varint(&mut self, value: u64) {
        let mut buffer = [0; 10];
        let length = write_varint(value, &mut buffer);
        self.bytes.extend_from_slice(&buffer[..length]);
    }
}

/// A sub-message that has been begun.
#[derive(Debug)]
#[must_use = "a message that is not closed has no length"]
pub struct OpenMessage {
    start: usize,
}

fn write_varint(mut value: u64, buffer: &mut [u8; 10]) -> usize {
    for (index, byte) in buffer.iter_mut().enumerate() {
        *byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return index + 1;
        }
        *byte |= 0x80;
    }
    buffer.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::wire::{Field, Fields, Value};

    #[test]
    fn what_is_written_is_read_back() {
        let mut encoder = Encoder::default();
        encoder.varint(1, u64::MAX);
        encoder.fixed64(2, 7);
        encoder.fixed32(536_870_911, 9);
        encoder.bytes(4, b"text");
        let fields: Vec<_> = Fields::new(&encoder.into_bytes())
            .map(Result::unwrap)
            .map(|field| field.number)
            .collect();
        assert_eq!(fields, [1, 2, 536_870_911, 4]);
    }

    #[test]
    fn sub_messages_of_every_length_class_get_their_length() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
            let content = vec![7_u8; length];
            let mut encoder = Encoder::default();
            encoder.varint(9, 1);
            encoder.message(1, |outer| {
                outer.bytes(2, &content);
            });
            let bytes = encoder.into_bytes();
            let outer = Fields::new(&bytes).nth(1).unwrap().unwrap();
            let Value::Bytes(outer) = outer.value else {
                panic!("not a message")
            };
            assert_eq!(
                Fields::new(outer).next(),
                Some(Ok(Field {
                    number: 2,
                    value: Value::Bytes(&content)
                }))
            );
        }
    }
}
