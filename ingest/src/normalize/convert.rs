//! Values as producers send them, to values as Brokle keeps them. Producers are loose with types: counts
//! come as text and as doubles, ids as integers, lists as JSON text. What cannot be understood yields
//! nothing, never an error.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rust_decimal::Decimal;
use serde_json::Value;

use super::document::Unit;
use crate::otlp::json_write::write_string;
use crate::otlp::value::AnyValueView;

/// Values nested deeper than this are cut.
const DEPTH_MAX: usize = 64;

/// From 2^53 on, a double is no exact count any more.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Text of a scalar; nothing for an empty one.
pub(super) fn text(value: AnyValueView<'_>) -> Option<Cow<'_, [u8]>> {
    match value {
        AnyValueView::String(text) => Some(Cow::Borrowed(text.as_bytes())).filter(|text| !text.is_empty()),
        AnyValueView::Int(value) => Some(Cow::Owned(itoa::Buffer::new().format(value).as_bytes().to_vec())),
        AnyValueView::Bool(value) => Some(Cow::Borrowed(if value { b"true" } else { b"false" })),
        AnyValueView::Double(value) if value.is_finite() => Some(Cow::Owned(
            ryu::Buffer::new().format_finite(value).as_bytes().to_vec(),
        )),
        _ => None,
    }
}

/// A count.
pub(super) fn count(value: AnyValueView<'_>) -> Option<u64> {
    match value {
        AnyValueView::Int(value) => u64::try_from(value).ok(),
        AnyValueView::Double(value) => whole(value),
        AnyValueView::String(text) => {
            let text = text.as_str().trim();
            text.parse().ok().or_else(|| whole(text.parse().ok()?))
        }
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn whole(value: f64) -> Option<u64> {
    ((0.0..=EXACT_MAX).contains(&value) && value.fract() == 0.0).then_some(value as u64)
}

/// An amount of money. A double is read as its shortest decimal form, which is what the producer wrote.
pub(super) fn money(value: AnyValueView<'_>) -> Option<Decimal> {
    let amount = match value {
        AnyValueView::Int(value) => Decimal::from(value),
        AnyValueView::Double(value) if value.is_finite() => decimal(ryu::Buffer::new().format_finite(value))?,
        AnyValueView::String(text) => decimal(text.as_str().trim())?,
        _ => return None,
    };
    (!amount.is_sign_negative() || amount.is_zero()).then(|| amount.abs())
}

fn decimal(text: &str) -> Option<Decimal> {
    if text.len() > 40 {
        return None;
    }
    text.parse()
        .ok()
        .or_else(|| Decimal::from_scientific(text).ok())
        .or_else(|| tiny(text))
}

/// `1e-40` is below what a decimal can hold: nothing.
fn tiny(text: &str) -> Option<Decimal> {
    let value: f64 = text.parse().ok()?;
    (value.abs() < 1e-20).then_some(Decimal::ZERO)
}

/// A yes or no.
pub(super) fn boolean(value: AnyValueView<'_>) -> Option<bool> {
    match value {
        AnyValueView::Bool(value) => Some(value),
        AnyValueView::String(text) if text == *"true" => Some(true),
        AnyValueView::String(text) if text == *"false" => Some(false),
        _ => None,
    }
}

/// When the first token came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstToken {
    /// After this many microseconds.
    Micros(u64),
    /// At this instant, nanoseconds since 1970.
    At(i64),
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
pub(super) fn first_token(value: AnyValueView<'_>, unit: Unit) -> Option<FirstToken> {
    if unit == Unit::Time {
        // Some producers send the instant as a JSON string, quotes included.
        let text = value.as_text()?.as_str().trim().trim_matches('"');
        let instant = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        return instant.timestamp_nanos_opt().map(FirstToken::At);
    }
    let number = match value {
        AnyValueView::Int(value) => value as f64,
        AnyValueView::Double(value) => value,
        AnyValueView::String(text) => text.as_str().trim().parse().ok()?,
        _ => return None,
    };
    let micros = number * if unit == Unit::Seconds { 1e6 } else { 1e3 };
    (0.0..=EXACT_MAX)
        .contains(&micros)
        .then(|| FirstToken::Micros(micros.round() as u64))
}

/// Hands each element of a list to `take`: a list, JSON text of a list, text with commas, or one word.
pub(super) fn each_word(value: AnyValueView<'_>, mut take: impl FnMut(&[u8])) {
    match value {
        AnyValueView::Array(array) => {
            array.values().filter_map(text).for_each(|word| take(&word));
        }
        AnyValueView::String(list) => match serde_json::from_str::<Vec<Value>>(list.as_str()) {
            Ok(words) => words.iter().for_each(|word| match word {
                Value::String(word) => take(word.as_bytes()),
                other => take(other.to_string().as_bytes()),
            }),
            Err(_) => list
                .as_str()
                .split(',')
                .map(str::trim)
                .for_each(|word| take(word.as_bytes())),
        },
        _ => {}
    }
}

/// Hands each entry of a map to `take`, nested values as JSON text: a map, or JSON text of one.
pub(super) fn each_entry(value: AnyValueView<'_>, mut take: impl FnMut(&[u8], &[u8])) -> bool {
    match value {
        AnyValueView::KeyValueList(list) => {
            list.entries()
                .for_each(|entry| take(entry.key.as_bytes(), &entry_text(entry.value)));
            true
        }
        AnyValueView::String(text) => match serde_json::from_str::<Value>(text.as_str()) {
            Ok(Value::Object(entries)) => {
                entries.iter().for_each(|(key, value)| match value {
                    Value::String(text) => take(key.as_bytes(), text.as_bytes()),
                    other => take(key.as_bytes(), other.to_string().as_bytes()),
                });
                true
            }
            _ => false,
        },
        _ => false,
    }
}

/// Text of any value: itself, or JSON.
pub(super) fn entry_text(value: AnyValueView<'_>) -> Cow<'_, [u8]> {
    text(value).unwrap_or_else(|| {
        let mut json = Vec::new();
        if !matches!(value, AnyValueView::String(_)) {
            plain_json(value, &mut json);
        }
        Cow::Owned(json)
    })
}

/// A text that was quoted once more, as Langfuse's SDKs do with each entry of their metadata, without the quotes.
pub(super) fn unquoted(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if text.first() != Some(&b'"') {
        return text;
    }
    match serde_json::from_slice::<String>(&text) {
        Ok(inner) => Cow::Owned(inner.into_bytes()),
        Err(_) => text,
    }
}

/// Writes a value as a person would in JSON, without OTLP's type names. Types are not kept.
pub(crate) fn plain_json(value: AnyValueView<'_>, out: &mut Vec<u8>) {
    write_plain(value, out, 0);
}

fn write_plain(value: AnyValueView<'_>, out: &mut Vec<u8>, depth: usize) {
    match value {
        _ if depth > DEPTH_MAX => out.extend_from_slice(b"null"),
        AnyValueView::String(text) => write_string(text.as_bytes(), out),
        AnyValueView::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        AnyValueView::Int(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        AnyValueView::Double(value) if value.is_finite() => {
            out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
        }
        AnyValueView::Empty | AnyValueView::Double(_) => out.extend_from_slice(b"null"),
        AnyValueView::Bytes(bytes) => write_string(STANDARD.encode(bytes).as_bytes(), out),
        AnyValueView::Array(array) => {
            out.push(b'[');
            for (index, item) in array.values().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_plain(item, out, depth + 1);
            }
            out.push(b']');
        }
        AnyValueView::KeyValueList(list) => {
            out.push(b'{');
            for (index, entry) in list.entries().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(entry.key.as_bytes(), out);
                out.push(b':');
                write_plain(entry.value, out, depth + 1);
            }
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal_macros::dec;

    use super::*;
    use crate::otlp::view::Text;

    fn string(text: &str) -> AnyValueView<'_> {
        AnyValueView::String(Text(text.as_bytes()))
    }

    #[test]
    fn counts_are_read_from_every_type_that_producers_use() {
        assert_eq!(count(AnyValueView::Int(7)), Some(7));
        assert_eq!(count(AnyValueView::Double(7.0)), Some(7));
        assert_eq!(count(string(" 7 ")), Some(7));
        assert_eq!(count(string("7.0")), Some(7));
        for refused in [
            AnyValueView::Int(-1),
            AnyValueView::Double(7.5),
            AnyValueView::Double(f64::NAN),
            string("x"),
        ] {
            assert_eq!(count(refused), None);
        }
    }

    #[test]
    fn money_is_read_exactly() {
        assert_eq!(money(AnyValueView::Double(0.000_123)), Some(dec!(0.000123)));
        assert_eq!(money(AnyValueView::Double(1.5e-7)), Some(dec!(0.00000015)));
        assert_eq!(money(string("0.1")), Some(dec!(0.1)));
        assert_eq!(money(string("3e-06")), Some(dec!(0.000003)));
        assert_eq!(money(AnyValueView::Double(1e-300)), Some(dec!(0)));
        assert_eq!(money(AnyValueView::Int(2)), Some(dec!(2)));
        for refused in [
            AnyValueView::Double(-0.1),
            AnyValueView::Double(f64::INFINITY),
            AnyValueView::Double(1e300),
        ] {
            assert_eq!(money(refused), None);
        }
    }

    #[test]
    fn the_first_token_is_read_in_its_unit() {
        let micros = |value, unit| first_token(value, unit);
        assert_eq!(
            micros(AnyValueView::Double(0.25), Unit::Seconds),
            Some(FirstToken::Micros(250_000))
        );
        assert_eq!(
            micros(AnyValueView::Double(12.5), Unit::Milliseconds),
            Some(FirstToken::Micros(12_500))
        );
        assert_eq!(
            micros(AnyValueView::Int(12), Unit::Milliseconds),
            Some(FirstToken::Micros(12_000))
        );
        let instant = Some(FirstToken::At(1_500_000_000));
        assert_eq!(micros(string("1970-01-01T00:00:01.5Z"), Unit::Time), instant);
        assert_eq!(micros(string("\"1970-01-01T00:00:01.5Z\""), Unit::Time), instant);
        assert_eq!(micros(AnyValueView::Double(-1.0), Unit::Seconds), None);
    }

    #[test]
    fn lists_and_maps_are_read_from_json_text_too() {
        let mut words = Vec::new();
        each_word(string(r#"["a","b",3]"#), |word| {
            words.push(String::from_utf8(word.to_vec()).unwrap());
        });
        each_word(string("c, d"), |word| {
            words.push(String::from_utf8(word.to_vec()).unwrap());
        });
        assert_eq!(words, ["a", "b", "3", "c", "d"]);
        let mut entries = Vec::new();
        let is_map = each_entry(string(r#"{"k":"v","n":{"deep":[1]}}"#), |key, value| {
            entries.push(format!(
                "{}={}",
                String::from_utf8_lossy(key),
                String::from_utf8_lossy(value)
            ));
        });
        assert!(is_map);
        assert_eq!(entries, ["k=v", r#"n={"deep":[1]}"#]);
        assert!(!each_entry(string("plain"), |_, _| ()));
    }
}
