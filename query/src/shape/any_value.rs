//! OTLP's `AnyValue`, in the JSON form in which storage keeps what its typed maps do not hold.

use serde_json::{Map, Number, Value, json};

/// The plain JSON of an `AnyValue` in OTLP/JSON: what a person expects to see.
pub(super) fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "intValue" => integer(inner),
        "arrayValue" => {
            let items = inner.get("values").and_then(Value::as_array);
            Value::Array(items.into_iter().flatten().map(plain).collect())
        }
        "kvlistValue" => Value::Object(plain_attributes(inner.get("values").unwrap_or(&Value::Null))),
        _ => inner.clone(),
    }
}

/// The plain JSON object of a list of `KeyValue`s in OTLP/JSON.
pub(super) fn plain_attributes(list: &Value) -> Map<String, Value> {
    let entries = list.as_array().into_iter().flatten();
    let pair = |entry: &Value| {
        let key = entry.get("key").and_then(Value::as_str).unwrap_or_default();
        (key.to_owned(), plain(entry.get("value").unwrap_or(&Value::Null)))
    };
    entries.map(pair).collect()
}

fn integer(inner: &Value) -> Value {
    let parsed = inner.as_str().and_then(|text| text.parse::<i64>().ok());
    parsed.map_or_else(|| inner.clone(), Value::from)
}

/// A JSON number, or the word for what JSON has no number for.
pub(super) fn double(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => json!("NaN"),
        None if value > 0.0 => json!("Infinity"),
        None => json!("-Infinity"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_their_wrapping_and_keep_their_meaning() {
        let cases = [
            (json!({}), json!(null)),
            (json!({"stringValue": "a"}), json!("a")),
            (json!({"boolValue": false}), json!(false)),
            (json!({"intValue": "-7"}), json!(-7)),
            (json!({"doubleValue": 0.5}), json!(0.5)),
            (json!({"doubleValue": "NaN"}), json!("NaN")),
            (json!({"bytesValue": "AP8="}), json!("AP8=")),
            (
                json!({"arrayValue": {"values": [{"intValue": "1"}, {}]}}),
                json!([1, null]),
            ),
            (
                json!({"kvlistValue": {"values": [{"key": "a", "value": {"arrayValue": {}}}]}}),
                json!({"a": []}),
            ),
        ];
        for (stored, shown) in cases {
            assert_eq!(plain(&stored), shown, "{stored}");
        }
        assert_eq!(double(f64::NEG_INFINITY), json!("-Infinity"));
    }
}
