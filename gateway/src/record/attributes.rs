//! A list of OTLP attributes that is pleasant to fill: what is absent is left out.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

/// Attributes of a span or a resource.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<KeyValue>);

impl Attributes {
    pub(super) fn text(&mut self, key: &str, value: impl Into<String>) {
        self.put(key, Value::StringValue(value.into()));
    }

    pub(super) fn text_if(&mut self, key: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    pub(super) fn int(&mut self, key: &str, value: u64) {
        self.put(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    pub(super) fn double(&mut self, key: &str, value: f64) {
        self.put(key, Value::DoubleValue(value));
    }

    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.put(key, Value::BoolValue(value));
    }

    pub(super) fn texts(&mut self, key: &str, values: Vec<String>) {
        if !values.is_empty() {
            let values = values
                .into_iter()
                .map(|value| AnyValue {
                    value: Some(Value::StringValue(value)),
                })
                .collect();
            self.put(key, Value::ArrayValue(ArrayValue { values }));
        }
    }

    /// A JSON scalar, or list of strings, in the type that it has.
    pub(super) fn json(&mut self, key: &str, value: Option<&serde_json::Value>) {
        use serde_json::Value as Json;
        match value {
            Some(Json::String(text)) => self.text(key, text.as_str()),
            Some(Json::Bool(flag)) => self.flag(key, *flag),
            Some(Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => self.put(key, Value::IntValue(integer)),
                (None, Some(float)) => self.double(key, float),
                (None, None) => {}
            },
            Some(Json::Array(values)) => {
                self.texts(
                    key,
                    values
                        .iter()
                        .filter_map(|value| value.as_str().map(str::to_owned))
                        .collect(),
                );
            }
            Some(Json::Null | Json::Object(_)) | None => {}
        }
    }

    /// A JSON number as a double, as the conventions want some of them.
    pub(super) fn number(&mut self, key: &str, value: Option<&serde_json::Value>) {
        if let Some(value) = value.and_then(serde_json::Value::as_f64) {
            self.double(key, value);
        }
    }

    pub(super) fn into_inner(self) -> Vec<KeyValue> {
        self.0
    }

    fn put(&mut self, key: &str, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue {
            key: key.to_owned(),
            value,
            ..KeyValue::default()
        });
    }
}
