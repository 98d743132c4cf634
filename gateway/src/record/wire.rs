//! Protobuf, written once and in order: spans go from the record to their bytes without being anything in between.
//!
//! A message's length stands before it and is known only behind it. Its place is kept in four bytes, which hold any
//! length up to 256 MB; shorter ones are padded, as the encoding of numbers allows.

const LENGTH_BYTES: usize = 4;
const LENGTH_MAX: usize = (1 << (7 * LENGTH_BYTES)) - 1;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// A message that has begun: where its length goes.
#[must_use = "a message that has begun must end"]
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun(usize);

/// Begins the message that `field` holds.
pub(super) fn begin(out: &mut Vec<u8>, field: u32) -> Begun {
    tag(out, field, LENGTH);
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    Begun(out.len())
}

/// Ends it.
pub(super) fn end(out: &mut [u8], begun: Begun) {
    let Begun(start) = begun;
    // A record's bodies are bounded far below.
    let mut length = (out.len() - start).min(LENGTH_MAX);
    for (at, byte) in out[start - LENGTH_BYTES..start].iter_mut().enumerate() {
        let more = if at + 1 < LENGTH_BYTES { 0x80 } else { 0 };
        *byte = low_bits(length as u64) | more;
        length >>= 7;
    }
}

/// Begins a message whose length is known.
pub(super) fn length(out: &mut Vec<u8>, field: u32, length: usize) {
    tag(out, field, LENGTH);
    varint(out, length as u64);
}

/// Text or bytes.
pub(super) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    length(out, field, value.len());
    out.extend_from_slice(value);
}

/// The same, left out when empty.
pub(super) fn bytes_if_any(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    if !value.is_empty() {
        bytes(out, field, value);
    }
}

/// A number of any size.
pub(super) fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, VARINT);
    varint(out, value);
}

/// A number of eight bytes.
pub(super) fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, FIXED64);
    out.extend_from_slice(&value.to_le_bytes());
}

/// A number of four bytes.
pub(super) fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    tag(out, field, FIXED32);
    out.extend_from_slice(&value.to_le_bytes());
}

/// How many bytes a number of any size takes.
pub(super) const fn varint_bytes(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

fn tag(out: &mut Vec<u8>, field: u32, kind: u32) {
    varint(out, u64::from(field << 3 | kind));
}

/// A number, as it stands within others.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

const fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}
