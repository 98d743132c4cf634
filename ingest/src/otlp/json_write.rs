//! Writes values, events, links and exemplars as OTLP/JSON text: how nested data is kept in text columns without losing
//! a type. 64-bit integers are quoted, ids are lower-case hex, bytes are base64, and what a double has beyond
//! JSON's numbers is quoted too. Fields at their default are left out.
//!
//! The output is UTF-8 whenever the text in the views is, which validation has seen to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::metric::{ExemplarView, Number};
use super::span::{EventView, LinkView};
use super::validate::VALUE_DEPTH_MAX;
use super::value::{AnyValueView, KeyValueView};
use super::view::Text;
use super::wire::Repeated;

/// Writes an `AnyValue`, such as `{"intValue":"5"}`; an empty one is `{}`.
pub fn any_value_json(value: AnyValueView<'_>, out: &mut Vec<u8>) {
    write_value(value, out, 0);
}

/// Writes a list of `KeyValue`, such as `[{"key":"a","value":{"boolValue":true}}]`.
pub fn attributes_json<'a>(attributes: impl Iterator<Item = KeyValueView<'a>>, out: &mut Vec<u8>) {
    write_attributes(attributes, out, 0);
}

/// Writes a list of `Span.Event`; `[]` when there is none.
pub fn events_json<'a>(events: impl Iterator<Item = EventView<'a>>, out: &mut Vec<u8>) {
    write_list(events, out, |event, out| {
        let mut object = Object::open(out);
        object.fixed64("timeUnixNano", event.time_unix_nano);
        object.text("name", event.name);
        object.attributes(event.attributes());
        object.uint32("droppedAttributesCount", event.dropped_attributes_count);
        object.close();
    });
}

/// Writes a list of `Span.Link`; `[]` when there is none.
pub fn links_json<'a>(links: impl Iterator<Item = LinkView<'a>>, out: &mut Vec<u8>) {
    write_list(links, out, |link, out| {
        let mut object = Object::open(out);
        object.hex("traceId", link.trace_id);
        object.hex("spanId", link.span_id);
        object.text("traceState", link.trace_state);
        object.attributes(link.attributes());
        object.uint32("droppedAttributesCount", link.dropped_attributes_count);
        object.uint32("flags", link.flags);
        object.close();
    });
}

/// Writes a list of `EntityRef`; `[]` when there is none.
pub fn entity_refs_json<'a>(refs: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    write_list(refs, out, |message, out| {
        let texts = |number| Repeated::new(message, number).map(Text);
        let last = |number| texts(number).last().unwrap_or_default();
        let mut object = Object::open(out);
        object.text("schemaUrl", last(1));
        object.text("type", last(2));
        object.texts("idKeys", texts(3));
        object.texts("descriptionKeys", texts(4));
        object.close();
    });
}

/// Writes a list of `Exemplar`; `[]` when there is none.
pub fn exemplars_json<'a>(exemplars: impl Iterator<Item = ExemplarView<'a>>, out: &mut Vec<u8>) {
    write_list(exemplars, out, |exemplar, out| {
        let mut object = Object::open(out);
        object.list("filteredAttributes", exemplar.filtered_attributes());
        object.fixed64("timeUnixNano", exemplar.time_unix_nano);
        match exemplar.number {
            Number::None => {}
            Number::Int(value) => {
                object.name("asInt");
                write_quoted(itoa::Buffer::new().format(value), object.out);
            }
            Number::Double(value) => {
                object.name("asDouble");
                write_double(value, object.out);
            }
        }
        object.hex("spanId", exemplar.span_id);
        object.hex("traceId", exemplar.trace_id);
        object.close();
    });
}

/// Writes a JSON string literal. `text` is expected to be UTF-8.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut clean_from = 0;
    for (index, byte) in text.iter().copied().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text[clean_from..index]);
        clean_from = index + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                write_hex(&[byte], out);
            }
        }
    }
    out.extend_from_slice(&text[clean_from..]);
    out.push(b'"');
}

fn write_value(value: AnyValueView<'_>, out: &mut Vec<u8>, depth: usize) {
    match value {
        AnyValueView::Empty => out.extend_from_slice(b"{}"),
        // Validation refuses deeper values; the bound is here so that no caller can exhaust the stack.
        _ if depth > VALUE_DEPTH_MAX => out.extend_from_slice(b"{}"),
        AnyValueView::String(text) => wrapped("stringValue", out, |out| write_string(text.as_bytes(), out)),
        AnyValueView::Bool(value) => {
            wrapped("boolValue", out, |out| {
                out.extend_from_slice(if value { b"true" } else { b"false" });
            });
        }
        AnyValueView::Int(value) => {
            wrapped("intValue", out, |out| {
                write_quoted(itoa::Buffer::new().format(value), out);
            });
        }
        AnyValueView::Double(value) => wrapped("doubleValue", out, |out| write_double(value, out)),
        AnyValueView::Bytes(bytes) => {
            wrapped("bytesValue", out, |out| {
                write_quoted(&STANDARD.encode(bytes), out);
            });
        }
        AnyValueView::Array(array) => wrapped("arrayValue", out, |out| {
            wrapped("values", out, |out| {
                write_list(array.values(), out, |value, out| {
                    write_value(value, out, depth + 1);
                });
            });
        }),
        AnyValueView::KeyValueList(list) => wrapped("kvlistValue", out, |out| {
            wrapped("values", out, |out| {
                write_attributes(list.entries(), out, depth + 1);
            });
        }),
    }
}

fn write_attributes<'a>(attributes: impl Iterator<Item = KeyValueView<'a>>, out: &mut Vec<u8>, depth: usize) {
    write_list(attributes, out, |attribute, out| {
        out.extend_from_slice(b"{\"key\":");
        write_string(attribute.key.as_bytes(), out);
        out.extend_from_slice(b",\"value\":");
        write_value(attribute.value, out, depth);
        out.push(b'}');
    });
}

fn write_list<T>(items: impl Iterator<Item = T>, out: &mut Vec<u8>, mut write: impl FnMut(T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

/// Writes an object of one field.
fn wrapped(name: &str, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    write(out);
    out.push(b'}');
}

fn write_quoted(plain: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(plain.as_bytes());
    out.push(b'"');
}

fn write_double(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else {
        out.extend_from_slice(if value > 0.0 {
            b"\"Infinity\""
        } else {
            b"\"-Infinity\""
        });
    }
}

fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 0x0f)]);
    }
}

/// An object being written, one field after the other.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    fn name(&mut self, name: &str) {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
        write_quoted(name, self.out);
        self.out.push(b':');
    }

    fn fixed64(&mut self, name: &str, value: u64) {
        if value != 0 {
            self.name(name);
            write_quoted(itoa::Buffer::new().format(value), self.out);
        }
    }

    fn uint32(&mut self, name: &str, value: u32) {
        if value != 0 {
            self.name(name);
            self.out
                .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        }
    }

    fn text(&mut self, name: &str, text: Text<'_>) {
        if !text.is_empty() {
            self.name(name);
            write_string(text.as_bytes(), self.out);
        }
    }

    fn hex(&mut self, name: &str, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.name(name);
            self.out.push(b'"');
            write_hex(bytes, self.out);
            self.out.push(b'"');
        }
    }

    fn texts<'a>(&mut self, name: &str, texts: impl Iterator<Item = Text<'a>> + Clone) {
        if texts.clone().next().is_some() {
            self.name(name);
            write_list(texts, self.out, |text, out| write_string(text.as_bytes(), out));
        }
    }

    fn attributes<'a>(&mut self, attributes: impl Iterator<Item = KeyValueView<'a>>) {
        self.list("attributes", attributes);
    }

    fn list<'a>(&mut self, name: &str, attributes: impl Iterator<Item = KeyValueView<'a>>) {
        let mut attributes = attributes.peekable();
        if attributes.peek().is_some() {
            self.name(name);
            attributes_json(attributes, self.out);
        }
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::encode::Encoder;
    use crate::otlp::span::SpanView;

    fn json(message: &[u8]) -> String {
        let mut out = Vec::new();
        any_value_json(AnyValueView::new(message), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn value(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut encoder = Encoder::default();
        write(&mut encoder);
        encoder.into_bytes()
    }

    #[test]
    fn each_type_keeps_its_type() {
        assert_eq!(json(&[]), "{}");
        assert_eq!(
            json(&value(|out| out.bytes(1, b"a\"b\\\n\x01"))),
            r#"{"stringValue":"a\"b\\\n\u0001"}"#
        );
        assert_eq!(json(&value(|out| out.varint(2, 1))), r#"{"boolValue":true}"#);
        assert_eq!(
            json(&value(|out| out.varint(3, u64::MAX))),
            r#"{"intValue":"-1"}"#
        );
        assert_eq!(
            json(&value(|out| out.fixed64(4, 1.5_f64.to_bits()))),
            r#"{"doubleValue":1.5}"#
        );
        assert_eq!(
            json(&value(|out| out.fixed64(4, f64::NAN.to_bits()))),
            r#"{"doubleValue":"NaN"}"#
        );
        let minus_infinity = value(|out| out.fixed64(4, f64::NEG_INFINITY.to_bits()));
        assert_eq!(json(&minus_infinity), r#"{"doubleValue":"-Infinity"}"#);
        assert_eq!(
            json(&value(|out| out.bytes(7, &[0, 255]))),
            r#"{"bytesValue":"AP8="}"#
        );
        assert_eq!(
            json(&value(|out| out.bytes(5, &[]))),
            r#"{"arrayValue":{"values":[]}}"#
        );
    }

    #[test]
    fn nesting_is_kept_and_bounded() {
        let list = value(|out| {
            out.message(6, |list| {
                list.message(1, |entry| {
                    entry.bytes(1, b"k");
                    entry.message(2, |value| value.message(5, |array| array.message(1, |_| {})));
                });
            });
        });
        assert_eq!(
            json(&list),
            r#"{"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":[{}]}}}]}}"#
        );
        let mut deep = Vec::new();
        for _ in 0..VALUE_DEPTH_MAX * 4 {
            deep = value(|out| out.message(5, |array| array.bytes(1, &deep)));
        }
        assert_eq!(json(&deep).matches("arrayValue").count(), VALUE_DEPTH_MAX + 1);
    }

    #[test]
    fn events_and_links_leave_defaults_out() {
        let span = value(|out| {
            out.message(11, |event| {
                event.fixed64(1, 7);
                event.bytes(2, b"exception");
            });
            out.message(11, |_| {});
            out.message(13, |link| {
                link.bytes(1, &[0xab; 16]);
                link.bytes(2, &[1; 8]);
                link.fixed32(6, 257);
            });
        });
        let view = SpanView::new(&span);
        let mut out = Vec::new();
        events_json(view.events(), &mut out);
        out.push(b' ');
        links_json(view.links(), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!(
                r#"[{{"timeUnixNano":"7","name":"exception"}},{{}}] [{{"traceId":"{}","spanId":"{}","flags":257}}]"#,
                "ab".repeat(16),
                "01".repeat(8)
            )
        );
    }
}
