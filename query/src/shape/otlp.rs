//! Items given back as OTLP/JSON: what was received, from the columns alone.
//!
//! 64-bit integers are strings, ids are hex, bytes are base64, enumerations are numbers, and a field at its
//! default is left out, as the protocol's JSON mapping has it. An input or output that was moved to a column
//! of its own goes back under the attribute that it came from, and a time that storage cannot hold into its
//! field. Attributes come back in the order of their
//! types; OTLP gives their order no meaning.

use brokle_model::telemetry::{ORIGINAL_END, ORIGINAL_START};
use serde_json::{Map, Value, json};

use super::any_value::double;
use super::origin::Origin;
use super::span_row::{Attributes, SpanRow};

type Object = Map<String, Value>;

/// An item that can be given back: a span, a log record or a data point.
pub(crate) trait Exported {
    /// What a resource calls its scopes, such as `scopeSpans`.
    const SCOPES: &'static str;
    /// What a scope calls its items, such as `spans`.
    const ITEMS: &'static str;
    /// Where it is from.
    fn origin(&self) -> &Origin;
    /// Adds it to the items of its scope.
    fn add_to(self, items: &mut Vec<Value>);
}

/// The `ResourceSpans`, `ResourceLogs` or `ResourceMetrics` of these items. Those of one resource and scope share a
/// group.
pub(crate) fn groups<T: Exported>(rows: Vec<T>) -> Vec<Value> {
    let mut resources: Vec<ResourceGroup> = Vec::new();
    for row in rows {
        let (resource, scope) = (resource_of(row.origin()), scope_of(row.origin()));
        let place = resources
            .iter()
            .position(|group| group.resource == resource)
            .unwrap_or_else(|| {
                resources.push(ResourceGroup {
                    resource,
                    scopes: Vec::new(),
                });
                resources.len() - 1
            });
        let scopes = &mut resources[place].scopes;
        let place = scopes
            .iter()
            .position(|group| group.scope == scope)
            .unwrap_or_else(|| {
                scopes.push(ScopeGroup {
                    scope,
                    items: Vec::new(),
                });
                scopes.len() - 1
            });
        row.add_to(&mut scopes[place].items);
    }
    resources
        .into_iter()
        .map(|group| group.into_value(T::SCOPES, T::ITEMS))
        .collect()
}

/// An entity and the address of its schema.
#[derive(PartialEq)]
struct Described {
    fields: Object,
    schema_url: String,
}

struct ResourceGroup {
    resource: Described,
    scopes: Vec<ScopeGroup>,
}

struct ScopeGroup {
    scope: Described,
    items: Vec<Value>,
}

impl ResourceGroup {
    fn into_value(self, scopes: &str, items: &str) -> Value {
        let groups = self.scopes.into_iter().map(|group| {
            let mut object = Object::new();
            object.insert("scope".to_owned(), Value::Object(group.scope.fields));
            object.insert(items.to_owned(), Value::Array(group.items));
            text(&mut object, "schemaUrl", group.scope.schema_url);
            Value::Object(object)
        });
        let mut object = Object::new();
        object.insert("resource".to_owned(), Value::Object(self.resource.fields));
        object.insert(scopes.to_owned(), Value::Array(groups.collect()));
        text(&mut object, "schemaUrl", self.resource.schema_url);
        Value::Object(object)
    }
}

impl Exported for SpanRow {
    const SCOPES: &'static str = "scopeSpans";
    const ITEMS: &'static str = "spans";

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn add_to(self, items: &mut Vec<Value>) {
        items.push(span_of(self));
    }
}

fn resource_of(row: &Origin) -> Described {
    let typed = Attributes {
        string: row.resource_string.clone(),
        other: row.resource_other.clone(),
        ..Attributes::default()
    };
    let mut fields = Object::new();
    list(&mut fields, "attributes", key_values(typed));
    count(
        &mut fields,
        "droppedAttributesCount",
        row.resource_dropped_attributes,
    );
    list(&mut fields, "entityRefs", stored_list(&row.resource_entity_refs));
    Described {
        fields,
        schema_url: row.resource_schema_url.clone(),
    }
}

fn scope_of(row: &Origin) -> Described {
    let mut fields = Object::new();
    text(&mut fields, "name", row.scope_name.clone());
    text(&mut fields, "version", row.scope_version.clone());
    list(&mut fields, "attributes", stored_list(&row.scope_attributes));
    count(
        &mut fields,
        "droppedAttributesCount",
        row.scope_dropped_attributes,
    );
    Described {
        fields,
        schema_url: row.scope_schema_url.clone(),
    }
}

fn span_of(row: SpanRow) -> Value {
    let mut span = Object::new();
    text(&mut span, "traceId", row.trace.to_string());
    text(&mut span, "spanId", row.span.to_string());
    text(&mut span, "traceState", row.trace_state);
    if !row.parent.is_zero() {
        text(&mut span, "parentSpanId", row.parent.to_string());
    }
    count(&mut span, "flags", row.flags);
    text(&mut span, "name", row.name);
    count(&mut span, "kind", row.kind.into());
    let mut typed = row.attributes;
    let start = original_time(&mut typed, ORIGINAL_START);
    let end = original_time(&mut typed, ORIGINAL_END);
    nanos(
        &mut span,
        "startTimeUnixNano",
        start.unwrap_or_else(|| row.start_ns.to_string()),
    );
    nanos(
        &mut span,
        "endTimeUnixNano",
        end.unwrap_or_else(|| row.end_ns.to_string()),
    );
    let mut attributes = key_values(typed);
    for moved in [&row.input, &row.output] {
        if let Some(source) = moved.attribute() {
            attributes.push(json!({"key": source, "value": {"stringValue": moved.text}}));
        }
    }
    list(&mut span, "attributes", attributes);
    count(&mut span, "droppedAttributesCount", row.dropped_attributes);
    list(&mut span, "events", stored_list(&row.events));
    count(&mut span, "droppedEventsCount", row.dropped_events);
    list(&mut span, "links", stored_list(&row.links));
    count(&mut span, "droppedLinksCount", row.dropped_links);
    let mut status = Object::new();
    text(&mut status, "message", row.status_message);
    count(&mut status, "code", row.status_code.into());
    if !status.is_empty() {
        span.insert("status".to_owned(), Value::Object(status));
    }
    Value::Object(span)
}

/// Takes out a time that storage could not hold and the collector kept as an attribute.
fn original_time(typed: &mut Attributes, key: &str) -> Option<String> {
    let place = typed.string.iter().position(|(name, _)| name == key)?;
    Some(typed.string.remove(place).1)
}

pub(super) fn key_values(typed: Attributes) -> Vec<Value> {
    let pair = |key: String, value: Value| json!({"key": key, "value": value});
    let mut list = Vec::new();
    list.extend(
        typed
            .string
            .into_iter()
            .map(|(key, text)| pair(key, json!({"stringValue": text}))),
    );
    list.extend(
        typed
            .int
            .into_iter()
            .map(|(key, number)| pair(key, json!({"intValue": number.to_string()}))),
    );
    list.extend(
        typed
            .double
            .into_iter()
            .map(|(key, number)| pair(key, json!({"doubleValue": double(number)}))),
    );
    list.extend(
        typed
            .bool
            .into_iter()
            .map(|(key, flag)| pair(key, json!({"boolValue": flag}))),
    );
    list.extend(
        typed
            .other
            .into_iter()
            .map(|(key, stored)| pair(key, stored_value(&stored))),
    );
    list
}

/// An `AnyValue` as stored. Nothing else is ever stored there; should it happen, the text is still given.
pub(super) fn stored_value(stored: &str) -> Value {
    serde_json::from_str(stored).unwrap_or_else(|_| json!({"stringValue": stored}))
}

pub(super) fn stored_list(stored: &str) -> Vec<Value> {
    serde_json::from_str(stored).unwrap_or_default()
}

pub(super) fn text(object: &mut Object, name: &str, value: String) {
    if !value.is_empty() {
        object.insert(name.to_owned(), Value::String(value));
    }
}

pub(super) fn count(object: &mut Object, name: &str, value: u32) {
    if value != 0 {
        object.insert(name.to_owned(), Value::from(value));
    }
}

pub(super) fn nanos(object: &mut Object, name: &str, value: String) {
    if value != "0" {
        object.insert(name.to_owned(), Value::String(value));
    }
}

pub(super) fn list(object: &mut Object, name: &str, values: Vec<Value>) {
    if !values.is_empty() {
        object.insert(name.to_owned(), Value::Array(values));
    }
}
