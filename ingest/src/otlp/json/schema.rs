//! OTLP's messages as tables: what each JSON key means and which protobuf field it becomes. Field
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
    SignedFixed64,
    Uint32,
    Fixed32,
    Zigzag32,
    Enum,
    Message(&'static Message),
    List(&'static Message),
    TextList,
    Fixed64List,
    DoubleList,
    Uint64List,
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

/// A message without fields.
pub(super) static NOTHING: Message = message(&[]);

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

pub(super) static EXPORT_LOGS: Message = message(&[field("resourceLogs", 1, Kind::List(&RESOURCE_LOGS))]);

static RESOURCE_LOGS: Message = message(&[
    field("resource", 1, Kind::Message(&RESOURCE)),
    field("scopeLogs", 2, Kind::List(&SCOPE_LOGS)),
    field("schemaUrl", 3, Kind::Text),
]);

static SCOPE_LOGS: Message = message(&[
    field("scope", 1, Kind::Message(&SCOPE)),
    field("logRecords", 2, Kind::List(&LOG_RECORD)),
    field("schemaUrl", 3, Kind::Text),
]);

static LOG_RECORD: Message = message(&[
    field("timeUnixNano", 1, Kind::Fixed64),
    field("severityNumber", 2, Kind::Enum),
    field("severityText", 3, Kind::Text),
    field("body", 5, Kind::Message(&ANY_VALUE)),
    field("attributes", 6, Kind::List(&KEY_VALUE)),
    field("droppedAttributesCount", 7, Kind::Uint32),
    field("flags", 8, Kind::Fixed32),
    field("traceId", 9, Kind::HexId),
    field("spanId", 10, Kind::HexId),
    field("observedTimeUnixNano", 11, Kind::Fixed64),
    field("eventName", 12, Kind::Text),
]);

pub(super) static EXPORT_METRICS: Message =
    message(&[field("resourceMetrics", 1, Kind::List(&RESOURCE_METRICS))]);

static RESOURCE_METRICS: Message = message(&[
    field("resource", 1, Kind::Message(&RESOURCE)),
    field("scopeMetrics", 2, Kind::List(&SCOPE_METRICS)),
    field("schemaUrl", 3, Kind::Text),
]);

static SCOPE_METRICS: Message = message(&[
    field("scope", 1, Kind::Message(&SCOPE)),
    field("metrics", 2, Kind::List(&METRIC)),
    field("schemaUrl", 3, Kind::Text),
]);

static METRIC: Message = message(&[
    field("name", 1, Kind::Text),
    field("description", 2, Kind::Text),
    field("unit", 3, Kind::Text),
    field("gauge", 5, Kind::Message(&GAUGE)),
    field("sum", 7, Kind::Message(&SUM)),
    field("histogram", 9, Kind::Message(&HISTOGRAM)),
    field("exponentialHistogram", 10, Kind::Message(&EXPONENTIAL_HISTOGRAM)),
    field("summary", 11, Kind::Message(&SUMMARY)),
    field("metadata", 12, Kind::List(&KEY_VALUE)),
]);

static GAUGE: Message = message(&[field("dataPoints", 1, Kind::List(&NUMBER_POINT))]);

static SUM: Message = message(&[
    field("dataPoints", 1, Kind::List(&NUMBER_POINT)),
    field("aggregationTemporality", 2, Kind::Enum),
    field("isMonotonic", 3, Kind::Bool),
]);

static HISTOGRAM: Message = message(&[
    field("dataPoints", 1, Kind::List(&HISTOGRAM_POINT)),
    field("aggregationTemporality", 2, Kind::Enum),
]);

static EXPONENTIAL_HISTOGRAM: Message = message(&[
    field("dataPoints", 1, Kind::List(&EXPONENTIAL_POINT)),
    field("aggregationTemporality", 2, Kind::Enum),
]);

static SUMMARY: Message = message(&[field("dataPoints", 1, Kind::List(&SUMMARY_POINT))]);

static NUMBER_POINT: Message = message(&[
    field("startTimeUnixNano", 2, Kind::Fixed64),
    field("timeUnixNano", 3, Kind::Fixed64),
    field("asDouble", 4, Kind::Double),
    field("exemplars", 5, Kind::List(&EXEMPLAR)),
    field("asInt", 6, Kind::SignedFixed64),
    field("attributes", 7, Kind::List(&KEY_VALUE)),
    field("flags", 8, Kind::Uint32),
]);

static HISTOGRAM_POINT: Message = message(&[
    field("startTimeUnixNano", 2, Kind::Fixed64),
    field("timeUnixNano", 3, Kind::Fixed64),
    field("count", 4, Kind::Fixed64),
    field("sum", 5, Kind::Double),
    field("bucketCounts", 6, Kind::Fixed64List),
    field("explicitBounds", 7, Kind::DoubleList),
    field("exemplars", 8, Kind::List(&EXEMPLAR)),
    field("attributes", 9, Kind::List(&KEY_VALUE)),
    field("flags", 10, Kind::Uint32),
    field("min", 11, Kind::Double),
    field("max", 12, Kind::Double),
]);

static EXPONENTIAL_POINT: Message = message(&[
    field("attributes", 1, Kind::List(&KEY_VALUE)),
    field("startTimeUnixNano", 2, Kind::Fixed64),
    field("timeUnixNano", 3, Kind::Fixed64),
    field("count", 4, Kind::Fixed64),
    field("sum", 5, Kind::Double),
    field("scale", 6, Kind::Zigzag32),
    field("zeroCount", 7, Kind::Fixed64),
    field("positive", 8, Kind::Message(&BUCKETS)),
    field("negative", 9, Kind::Message(&BUCKETS)),
    field("flags", 10, Kind::Uint32),
    field("exemplars", 11, Kind::List(&EXEMPLAR)),
    field("min", 12, Kind::Double),
    field("max", 13, Kind::Double),
    field("zeroThreshold", 14, Kind::Double),
]);

static BUCKETS: Message = message(&[
    field("offset", 1, Kind::Zigzag32),
    field("bucketCounts", 2, Kind::Uint64List),
]);

static SUMMARY_POINT: Message = message(&[
    field("startTimeUnixNano", 2, Kind::Fixed64),
    field("timeUnixNano", 3, Kind::Fixed64),
    field("count", 4, Kind::Fixed64),
    field("sum", 5, Kind::Double),
    field("quantileValues", 6, Kind::List(&QUANTILE)),
    field("attributes", 7, Kind::List(&KEY_VALUE)),
    field("flags", 8, Kind::Uint32),
]);

static QUANTILE: Message = message(&[
    field("quantile", 1, Kind::Double),
    field("value", 2, Kind::Double),
]);

static EXEMPLAR: Message = message(&[
    field("timeUnixNano", 2, Kind::Fixed64),
    field("asDouble", 3, Kind::Double),
    field("spanId", 4, Kind::HexId),
    field("traceId", 5, Kind::HexId),
    field("asInt", 6, Kind::SignedFixed64),
    field("filteredAttributes", 7, Kind::List(&KEY_VALUE)),
]);

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
