//! OTLP's trace messages as tables: what each JSON key means and which protobuf field it becomes. Field
//! numbers are those of the published `.proto` files and will not change.

/// A message, by its fields.
pub(super) struct Message {
    pub(super) fields: &'static [Field],
    /// Whether `null` in a list of this message stands for an empty one rather than for nothing.
    pub(super) null_is_empty: bool,
}

/// One key of a message.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) number: u32,
    pub(super) kind: Kind,
}

/// How a key's value is written in JSON and in protobuf.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    HexId,
    Base64,
    Bool,
    Int64,
    Double,
    Fixed64,
    Uint32,
    Fixed32,
    Enum,
    Message(&'static Message),
    List(&'static Message),
    TextList,
}

/// The most fields that a message here has.
pub(super) const FIELDS_MAX: usize = 16;

const fn field(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind }
}

const fn message(fields: &'static [Field]) -> Message {
    assert!(
        fields.len() <= FIELDS_MAX,
        "a message has more fields than FIELDS_MAX"
    );
    Message {
        fields,
        null_is_empty: false,
    }
}

pub(super) static EXPORT_TRACES: Message = message(&[field("resourceSpans", 1, Kind::List(&RESOURCE_SPANS))]);

static RESOURCE_SPANS: Message = message(&[
    field("resource", 1, Kind::Message(&RESOURCE)),
    field("scopeSpans", 2, Kind::List(&SCOPE_SPANS)),
    field("schemaUrl", 3, Kind::Text),
]);

static RESOURCE: Message = message(&[
    field("attributes", 1, Kind::List(&KEY_VALUE)),
    field("droppedAttributesCount", 2, Kind::Uint32),
    field("entityRefs", 3, Kind::List(&ENTITY_REF)),
]);

static ENTITY_REF: Message = message(&[
    field("schemaUrl", 1, Kind::Text),
    field("type", 2, Kind::Text),
    field("idKeys", 3, Kind::TextList),
    field("descriptionKeys", 4, Kind::TextList),
]);

static SCOPE_SPANS: Message = message(&[
    field("scope", 1, Kind::Message(&SCOPE)),
    field("spans", 2, Kind::List(&SPAN)),
    field("schemaUrl", 3, Kind::Text),
]);

static SCOPE: Message = message(&[
    field("name", 1, Kind::Text),
    field("version", 2, Kind::Text),
    field("attributes", 3, Kind::List(&KEY_VALUE)),
    field("droppedAttributesCount", 4, Kind::Uint32),
]);

static SPAN: Message = message(&[
    field("traceId", 1, Kind::HexId),
    field("spanId", 2, Kind::HexId),
    field("traceState", 3, Kind::Text),
    field("parentSpanId", 4, Kind::HexId),
    field("name", 5, Kind::Text),
    field("kind", 6, Kind::Enum),
    field("startTimeUnixNano", 7, Kind::Fixed64),
    field("endTimeUnixNano", 8, Kind::Fixed64),
    field("attributes", 9, Kind::List(&KEY_VALUE)),
    field("droppedAttributesCount", 10, Kind::Uint32),
    field("events", 11, Kind::List(&EVENT)),
    field("droppedEventsCount", 12, Kind::Uint32),
    field("links", 13, Kind::List(&LINK)),
    field("droppedLinksCount", 14, Kind::Uint32),
    field("status", 15, Kind::Message(&STATUS)),
    field("flags", 16, Kind::Fixed32),
]);

static EVENT: Message = message(&[
    field("timeUnixNano", 1, Kind::Fixed64),
    field("name", 2, Kind::Text),
    field("attributes", 3, Kind::List(&KEY_VALUE)),
    field("droppedAttributesCount", 4, Kind::Uint32),
]);

static LINK: Message = message(&[
    field("traceId", 1, Kind::HexId),
    field("spanId", 2, Kind::HexId),
    field("traceState", 3, Kind::Text),
    field("attributes", 4, Kind::List(&KEY_VALUE)),
    field("droppedAttributesCount", 5, Kind::Uint32),
    field("flags", 6, Kind::Fixed32),
]);

static STATUS: Message = message(&[field("message", 2, Kind::Text), field("code", 3, Kind::Enum)]);

static KEY_VALUE: Message = message(&[
    field("key", 1, Kind::Text),
    field("value", 2, Kind::Message(&ANY_VALUE)),
]);

static ANY_VALUE: Message = Message {
    fields: &[
        field("stringValue", 1, Kind::Text),
        field("boolValue", 2, Kind::Bool),
        field("intValue", 3, Kind::Int64),
        field("doubleValue", 4, Kind::Double),
        field("arrayValue", 5, Kind::Message(&ARRAY_VALUE)),
        field("kvlistValue", 6, Kind::Message(&KEY_VALUE_LIST)),
        field("bytesValue", 7, Kind::Base64),
    ],
    null_is_empty: true,
};

static ARRAY_VALUE: Message = message(&[field("values", 1, Kind::List(&ANY_VALUE))]);

static KEY_VALUE_LIST: Message = message(&[field("values", 1, Kind::List(&KEY_VALUE))]);
