//! The columns of the tables in Arrow's types. The migrations say the same in ClickHouse's; a test holds
//! the two together. What many rows share is a dictionary here even where ClickHouse keeps plain text: a
//! resource with long attributes and many spans must not multiply in memory.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

use super::Out;

/// `Decimal(18, 12)`
pub(super) const MONEY: DataType = DataType::Decimal128(18, 12);

/// `LowCardinality(String)`
pub(super) fn word() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

pub(super) fn nanoseconds() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

pub(super) fn milliseconds() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// The fields of a map's entries.
pub(super) fn entry_fields(value: DataType) -> Fields {
    Fields::from(vec![
        Field::new("key", word(), false),
        Field::new("value", value, false),
    ])
}

/// The field of a list's items.
pub(super) fn item_field() -> FieldRef {
    Arc::new(Field::new("item", word(), false))
}

fn list(item: DataType) -> DataType {
    DataType::List(number_item_field(item))
}

/// The field of a list's numbers.
pub(super) fn number_item_field(item: DataType) -> FieldRef {
    Arc::new(Field::new("item", item, false))
}

fn map(value: DataType) -> DataType {
    let entries = Field::new("entries", DataType::Struct(entry_fields(value)), false);
    DataType::Map(Arc::new(entries), false)
}

/// The batch of these columns, in the order of `schema`; columns of which the schema knows nothing stay out.
pub(super) fn in_order(schema: SchemaRef, columns: &Out) -> Result<RecordBatch, ArrowError> {
    let ordered = schema.fields().iter().map(|field| {
        let found = columns.iter().find(|(name, _)| name == field.name());
        let missing = || ArrowError::SchemaError(format!("no values for column `{}`", field.name()));
        found.map(|(_, column)| column.clone()).ok_or_else(missing)
    });
    let ordered = ordered.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema, ordered)
}

fn schema_of<const N: usize>(columns: [(&str, DataType); N]) -> SchemaRef {
    let fields = columns.map(|(name, data_type)| Field::new(name, data_type, false));
    Arc::new(Schema::new(fields.to_vec()))
}

/// The schema of every batch for the table `observations`.
pub fn observations() -> SchemaRef {
    let columns = [
        ("project_id", word()),
        ("trace_id", DataType::FixedSizeBinary(16)),
        ("span_id", DataType::FixedSizeBinary(8)),
        ("parent_span_id", DataType::FixedSizeBinary(8)),
        ("start_time", nanoseconds()),
        ("end_time", nanoseconds()),
        ("version", DataType::UInt64),
        ("is_deleted", DataType::UInt8),
        ("name", word()),
        ("type", word()),
        ("kind", DataType::UInt8),
        ("level", word()),
        ("status_code", DataType::UInt8),
        ("status_message", DataType::Utf8),
        ("environment", word()),
        ("release", word()),
        ("service_name", word()),
        ("provider", word()),
        ("model_requested", word()),
        ("model", word()),
        ("trace_name", word()),
        ("user_id", DataType::Utf8),
        ("session_id", DataType::Utf8),
        ("tags", DataType::List(item_field())),
        ("is_entry", DataType::Boolean),
        ("counts_usage", DataType::Boolean),
        ("input_tokens", DataType::UInt64),
        ("output_tokens", DataType::UInt64),
        ("cache_read_tokens", DataType::UInt64),
        ("cache_write_tokens", DataType::UInt64),
        ("reasoning_tokens", DataType::UInt64),
        ("usage_details", map(DataType::UInt64)),
        ("price_mode", word()),
        ("cost_details", map(MONEY)),
        ("total_cost", MONEY),
        ("cost_source", DataType::Int8),
        ("price_version", word()),
        ("time_to_first_token_us", DataType::UInt64),
        ("attributes_string", map(DataType::Utf8)),
        ("attributes_int", map(DataType::Int64)),
        ("attributes_double", map(DataType::Float64)),
        ("attributes_bool", map(DataType::Boolean)),
        ("attributes_other", map(DataType::Utf8)),
        ("resource_string", map(word())),
        ("resource_other", map(word())),
        ("metadata", map(DataType::Utf8)),
        ("input", DataType::Utf8),
        ("input_source", word()),
        ("output", DataType::Utf8),
        ("output_source", word()),
        ("events", DataType::Utf8),
        ("links", DataType::Utf8),
        ("flags", DataType::UInt32),
        ("trace_state", DataType::Utf8),
        ("dropped_attributes_count", DataType::UInt32),
        ("dropped_events_count", DataType::UInt32),
        ("dropped_links_count", DataType::UInt32),
        ("resource_dropped_attributes_count", DataType::UInt32),
        ("resource_entity_refs", word()),
        ("resource_schema_url", word()),
        ("scope_name", word()),
        ("scope_version", word()),
        ("scope_attributes", word()),
        ("scope_dropped_attributes_count", DataType::UInt32),
        ("scope_schema_url", word()),
        ("received_at", milliseconds()),
        ("retention_days", DataType::UInt16),
    ];
    schema_of(columns)
}

/// The schema of every batch for the table `logs`.
pub fn logs() -> SchemaRef {
    schema_of([
        ("project_id", word()),
        ("timestamp", nanoseconds()),
        ("request_hash", DataType::UInt64),
        ("request_row", DataType::UInt32),
        ("time_unix_nano", DataType::UInt64),
        ("observed_time_unix_nano", DataType::UInt64),
        ("trace_id", DataType::FixedSizeBinary(16)),
        ("span_id", DataType::FixedSizeBinary(8)),
        ("flags", DataType::UInt32),
        ("severity_number", DataType::Int32),
        ("severity_text", word()),
        ("event_name", word()),
        ("environment", word()),
        ("service_name", word()),
        ("body", DataType::Utf8),
        ("body_kind", DataType::Int8),
        ("attributes_string", map(DataType::Utf8)),
        ("attributes_int", map(DataType::Int64)),
        ("attributes_double", map(DataType::Float64)),
        ("attributes_bool", map(DataType::Boolean)),
        ("attributes_other", map(DataType::Utf8)),
        ("dropped_attributes_count", DataType::UInt32),
        ("resource_string", map(word())),
        ("resource_other", map(word())),
        ("resource_dropped_attributes_count", DataType::UInt32),
        ("resource_entity_refs", word()),
        ("resource_schema_url", word()),
        ("scope_name", word()),
        ("scope_version", word()),
        ("scope_attributes", word()),
        ("scope_dropped_attributes_count", DataType::UInt32),
        ("scope_schema_url", word()),
        ("received_at", milliseconds()),
        ("retention_days", DataType::UInt16),
    ])
}

/// The schema of every batch for the table `metrics`.
pub fn metrics() -> SchemaRef {
    schema_of([
        ("project_id", word()),
        ("name", word()),
        ("series", DataType::UInt64),
        ("timestamp", nanoseconds()),
        ("request_hash", DataType::UInt64),
        ("request_row", DataType::UInt32),
        ("time_unix_nano", DataType::UInt64),
        ("start_time_unix_nano", DataType::UInt64),
        ("kind", DataType::Int8),
        ("temporality", DataType::Int32),
        ("is_monotonic", DataType::Boolean),
        ("unit", word()),
        ("description", word()),
        ("metadata", word()),
        ("flags", DataType::UInt32),
        ("environment", word()),
        ("service_name", word()),
        ("number_kind", DataType::Int8),
        ("number", DataType::Float64),
        ("number_int", DataType::Int64),
        ("present", DataType::UInt8),
        ("count", DataType::UInt64),
        ("sum", DataType::Float64),
        ("min", DataType::Float64),
        ("max", DataType::Float64),
        ("bucket_counts", list(DataType::UInt64)),
        ("explicit_bounds", list(DataType::Float64)),
        ("scale", DataType::Int32),
        ("zero_count", DataType::UInt64),
        ("zero_threshold", DataType::Float64),
        ("positive_offset", DataType::Int32),
        ("positive_counts", list(DataType::UInt64)),
        ("negative_offset", DataType::Int32),
        ("negative_counts", list(DataType::UInt64)),
        ("quantiles", list(DataType::Float64)),
        ("quantile_values", list(DataType::Float64)),
        ("exemplars", DataType::Utf8),
        ("attributes_string", map(DataType::Utf8)),
        ("attributes_int", map(DataType::Int64)),
        ("attributes_double", map(DataType::Float64)),
        ("attributes_bool", map(DataType::Boolean)),
        ("attributes_other", map(DataType::Utf8)),
        ("resource_string", map(word())),
        ("resource_other", map(word())),
        ("resource_dropped_attributes_count", DataType::UInt32),
        ("resource_entity_refs", word()),
        ("resource_schema_url", word()),
        ("scope_name", word()),
        ("scope_version", word()),
        ("scope_attributes", word()),
        ("scope_dropped_attributes_count", DataType::UInt32),
        ("scope_schema_url", word()),
        ("received_at", milliseconds()),
        ("retention_days", DataType::UInt16),
    ])
}

/// The schema of every batch for the table `request_logs`.
pub fn request_logs() -> SchemaRef {
    schema_of([
        ("project_id", word()),
        ("start_time", nanoseconds()),
        ("trace_id", DataType::FixedSizeBinary(16)),
        ("span_id", DataType::FixedSizeBinary(8)),
        ("version", DataType::UInt64),
        ("duration_us", DataType::UInt64),
        ("environment", word()),
        ("method", word()),
        ("path", word()),
        ("status", DataType::UInt16),
        ("outcome", word()),
        ("error_type", word()),
        ("error_message", DataType::Utf8),
        ("request_id", DataType::Utf8),
        ("user_agent", DataType::Utf8),
        ("api_key_id", word()),
        ("user_id", DataType::Utf8),
        ("session_id", DataType::Utf8),
        ("model_requested", word()),
        ("route", word()),
        ("strategy", word()),
        ("rule", word()),
        ("arm", word()),
        ("provider", word()),
        ("vendor", word()),
        ("model", word()),
        ("attempts", DataType::UInt16),
        ("stream", DataType::Boolean),
        ("shadow", DataType::Boolean),
        ("cache", word()),
        ("refused_by", DataType::Utf8),
        ("input_tokens", DataType::UInt64),
        ("output_tokens", DataType::UInt64),
        ("cache_read_tokens", DataType::UInt64),
        ("cache_write_tokens", DataType::UInt64),
        ("reasoning_tokens", DataType::UInt64),
        ("total_cost", MONEY),
        ("time_to_first_token_us", DataType::UInt64),
        ("input_preview", DataType::Utf8),
        ("output_preview", DataType::Utf8),
        ("received_at", milliseconds()),
        ("retention_days", DataType::UInt16),
    ])
}

/// The schema of every batch for the table `ai_routing_metrics`.
pub fn routing_metrics() -> SchemaRef {
    schema_of([
        ("project_id", word()),
        ("start_time", nanoseconds()),
        ("trace_id", DataType::FixedSizeBinary(16)),
        ("span_id", DataType::FixedSizeBinary(8)),
        ("call_span_id", DataType::FixedSizeBinary(8)),
        ("version", DataType::UInt64),
        ("kind", word()),
        ("environment", word()),
        ("model_requested", word()),
        ("route", word()),
        ("strategy", word()),
        ("rule", word()),
        ("arm", word()),
        ("provider", word()),
        ("vendor", word()),
        ("model", word()),
        ("model_answered", word()),
        ("provider_key", word()),
        ("attempt", DataType::UInt16),
        ("hedge", DataType::Boolean),
        ("shadow", DataType::Boolean),
        ("outcome", word()),
        ("decision", word()),
        ("status", DataType::UInt16),
        ("error_type", word()),
        ("duration_us", DataType::UInt64),
        ("time_to_first_token_us", DataType::UInt64),
        ("input_tokens", DataType::UInt64),
        ("output_tokens", DataType::UInt64),
        ("total_cost", MONEY),
        ("passed_over", DataType::List(item_field())),
        ("received_at", milliseconds()),
        ("retention_days", DataType::UInt16),
    ])
}
