//! OTLP/JSON to the protobuf bytes that say the same, in one pass and without a tree, so that everything
//! after the receiver knows one encoding.
//!
//! Tolerant where senders differ: ids are hex of either case, integers are numbers or text, doubles may be
//! `"NaN"` or `"Infinity"`, `null` is absence, unknown keys are ignored, and of a key that comes twice the
//! last counts. Strict where tolerance would guess: enums are integers, keys are lowerCamelCase, and a value
//! of another type than its key's is an error. An id that is not hex is left for validation to refuse
//! together with its span: it shall not cost the batch.

mod number;
mod reader;
mod schema;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use brokle_model::telemetry::Signal;

pub use reader::JsonError;
use reader::{Reader, Shape};
use schema::{FIELDS_MAX, Field, Kind, Message};

use super::encode::Encoder;

/// Messages nested deeper than this are passed over. By then attribute values are nested beyond
/// [`super::validate::VALUE_DEPTH_MAX`], so that their span is refused.
const MESSAGE_DEPTH_MAX: usize = 128;

/// Base64 as senders write it, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How many times longer than its text a message can be in protobuf, at most: `0,` in a list of doubles becomes
/// eight bytes, and nothing else grows.
pub const fn growth_max(signal: Signal) -> u64 {
    match signal {
        Signal::Traces | Signal::Logs | Signal::Changes => 1,
        Signal::Metrics => 4,
    }
}

/// Transcodes an `ExportTraceServiceRequest`, `ExportLogsServiceRequest` or `ExportMetricsServiceRequest`.
pub fn to_protobuf(signal: Signal, body: &[u8]) -> Result<Vec<u8>, JsonError> {
    let message = match signal {
        Signal::Traces => &schema::EXPORT_TRACES,
        Signal::Logs => &schema::EXPORT_LOGS,
        Signal::Metrics => &schema::EXPORT_METRICS,
        // Not OTLP: there is nothing to read.
        Signal::Changes => &schema::NOTHING,
    };
    let mut reader = Reader::new(body)?;
    let mut out = Encoder::with_capacity(body.len() / 2);
    write_message(&mut reader, message, &mut out, 0)?;
    reader.end()?;
    Ok(out.into_bytes())
}

/// Whether a document is an object with the key `resourceSpans`. What is not JSON is not.
pub fn has_resource_spans(body: &[u8]) -> bool {
    fn search(body: &[u8]) -> Result<bool, JsonError> {
        let mut reader = Reader::new(body)?;
        let mut inside = reader.enter(b'{', b'}')?;
        while inside {
            if reader.key()? == "resourceSpans" {
                return Ok(true);
            }
            reader.skip()?;
            inside = reader.more(b'}')?;
        }
        Ok(false)
    }
    search(body).unwrap_or(false)
}

/// Where in the output each field of a message stands, so that a key that comes again replaces what it said.
struct Written {
    ranges: [Option<(usize, usize)>; FIELDS_MAX],
}

impl Written {
    const fn nothing() -> Self {
        Self {
            ranges: [None; FIELDS_MAX],
        }
    }

    #[inline]
    fn forget(&mut self, index: usize, out: &mut Encoder) {
        if let Some((start, end)) = self.ranges[index].take() {
            out.remove(start, end);
            let moved = end - start;
            for (other_start, other_end) in self.ranges.iter_mut().flatten().filter(|range| range.0 >= end) {
                *other_start -= moved;
                *other_end -= moved;
            }
        }
    }
}

fn write_message(
    reader: &mut Reader<'_>,
    message: &Message,
    out: &mut Encoder,
    depth: usize,
) -> Result<(), JsonError> {
    if depth > MESSAGE_DEPTH_MAX {
        return reader.skip();
    }
    let mut written = Written::nothing();
    let mut inside = reader.enter(b'{', b'}')?;
    while inside {
        let key = reader.key()?;
        match message
            .fields
            .iter()
            .enumerate()
            .find(|(_, field)| field.name == key)
        {
            None => reader.skip()?,
            Some((index, field)) => {
                written.forget(index, out);
                let start = out.len();
                write_field(reader, field, out, depth)?;
                if out.len() > start {
                    written.ranges[index] = Some((start, out.len()));
                }
            }
        }
        inside = reader.more(b'}')?;
    }
    Ok(())
}

fn write_field(
    reader: &mut Reader<'_>,
    field: &Field,
    out: &mut Encoder,
    depth: usize,
) -> Result<(), JsonError> {
    if reader.shape()? == Shape::Null {
        return reader.null();
    }
    let number = field.number;
    match field.kind {
        Kind::Text => out.bytes(number, reader.string()?.as_bytes()),
        Kind::HexId => out.bytes(number, &read_id(reader)?),
        Kind::Base64 => out.bytes(number, &read_base64(reader)?),
        Kind::Bool => out.varint(number, u64::from(read_bool(reader)?)),
        Kind::Int64 => out.varint(number, read_integer::<i64>(reader)?.cast_unsigned()),
        Kind::Double => out.fixed64(number, read_double(reader)?.to_bits()),
        Kind::Fixed64 => out.fixed64(number, read_integer(reader)?),
        Kind::SignedFixed64 => out.fixed64(number, read_integer::<i64>(reader)?.cast_unsigned()),
        Kind::Uint32 => out.varint(number, u64::from(read_integer::<u32>(reader)?)),
        Kind::Fixed32 => out.fixed32(number, read_integer(reader)?),
        Kind::Zigzag32 => out.varint(number, u64::from(zigzag(read_integer(reader)?))),
        Kind::Enum => out.varint(number, read_enum(reader)?),
        Kind::Message(message) => {
            let open = out.open(number);
            write_message(reader, message, out, depth + 1)?;
            out.close(open);
        }
        Kind::List(message) => write_list(reader, number, message, out, depth)?,
        Kind::TextList => read_list(reader, |reader| {
            out.bytes(number, reader.string()?.as_bytes());
            Ok(())
        })?,
        Kind::Fixed64List | Kind::DoubleList | Kind::Uint64List => {
            let open = out.open(number);
            read_list(reader, |reader| {
                match field.kind {
                    Kind::Fixed64List => out.packed_fixed64(read_integer(reader)?),
                    Kind::DoubleList => out.packed_fixed64(read_double(reader)?.to_bits()),
                    _ => out.packed_varint(read_integer(reader)?),
                }
                Ok(())
            })?;
            out.close(open);
        }
    }
    Ok(())
}

fn read_list<'a>(
    reader: &mut Reader<'a>,
    mut element: impl FnMut(&mut Reader<'a>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    let mut inside = reader.enter(b'[', b']')?;
    while inside {
        element(reader)?;
        inside = reader.more(b']')?;
    }
    Ok(())
}

/// A `sint32` on the wire.
const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

fn write_list(
    reader: &mut Reader<'_>,
    number: u32,
    message: &Message,
    out: &mut Encoder,
    depth: usize,
) -> Result<(), JsonError> {
    read_list(reader, |reader| {
        if reader.shape()? == Shape::Null {
            reader.null()?;
            if message.null_is_empty {
                out.bytes(number, &[]);
            }
            return Ok(());
        }
        let open = out.open(number);
        write_message(reader, message, out, depth + 1)?;
        out.close(open);
        Ok(())
    })
}

/// Bytes of an id; one zero byte, which no id is, for a text that is not hex.
fn read_id(reader: &mut Reader<'_>) -> Result<Vec<u8>, JsonError> {
    let text = reader.string()?;
    Ok(hex::decode(text.as_bytes()).unwrap_or_else(|_| vec![0]))
}

fn read_base64(reader: &mut Reader<'_>) -> Result<Vec<u8>, JsonError> {
    let text = reader.string()?;
    let standard: Vec<u8> = text
        .bytes()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    BASE64
        .decode(standard)
        .map_err(|_| reader.error("text that is not base64"))
}

fn read_bool(reader: &mut Reader<'_>) -> Result<bool, JsonError> {
    match reader.shape()? {
        Shape::Bool => reader.bool(),
        _ => Err(reader.error("a value that is not true or false")),
    }
}

fn read_integer<T: TryFrom<i128>>(reader: &mut Reader<'_>) -> Result<T, JsonError> {
    let value = match reader.shape()? {
        Shape::Number => number::integer(reader.number()?),
        Shape::String => number::integer(&reader.string()?),
        _ => None,
    };
    let value = value.and_then(|value| T::try_from(value).ok());
    value.ok_or_else(|| reader.error("a value that is not an integer of its field's range"))
}

fn read_double(reader: &mut Reader<'_>) -> Result<f64, JsonError> {
    let value = match reader.shape()? {
        Shape::Number => number::double(reader.number()?),
        Shape::String => number::double(&reader.string()?),
        _ => None,
    };
    value.ok_or_else(|| reader.error("a value that is not a double"))
}

fn read_enum(reader: &mut Reader<'_>) -> Result<u64, JsonError> {
    let value = match reader.shape()? {
        Shape::Number => number::integer(reader.number()?).and_then(|value| i32::try_from(value).ok()),
        _ => None,
    };
    // Negative enums are sign-extended on the wire.
    let value = value.map(|value| i64::from(value).cast_unsigned());
    value.ok_or_else(|| reader.error("an enum that is not an integer"))
}
