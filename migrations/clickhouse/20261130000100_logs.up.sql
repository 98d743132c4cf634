-- One row per OTLP log record, losslessly. `timestamp` is the record's own time, else that of its observation, else
-- that of its arrival; what was sent is beside it. A log record has no id: it is told apart by the hash of the
-- request that brought it and its number in it, so that a request that is sent again replaces its own rows and two
-- equal records of one request are two.
-- `body` holds the text of a text, and OTLP/JSON of every other value.
CREATE TABLE IF NOT EXISTS logs (
    project_id String,
    timestamp DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    request_hash UInt64 CODEC(ZSTD(1)),
    request_row UInt32 CODEC(Delta(4), ZSTD(1)),
    time_unix_nano UInt64 CODEC(Delta(8), ZSTD(1)),
    observed_time_unix_nano UInt64 CODEC(Delta(8), ZSTD(1)),
    trace_id FixedString(16),
    span_id FixedString(8),
    flags UInt32,
    severity_number Int32,
    severity_text LowCardinality(String),
    event_name LowCardinality(String),
    environment LowCardinality(String),
    service_name LowCardinality(String),
    body String CODEC(ZSTD(3)),
    body_kind Enum8('none' = 0, 'string' = 1, 'other' = 2),
    attributes_string Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attributes_int Map(LowCardinality(String), Int64) CODEC(ZSTD(1)),
    attributes_double Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    attributes_bool Map(LowCardinality(String), Bool) CODEC(ZSTD(1)),
    attributes_other Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    dropped_attributes_count UInt32,
    resource_string Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_other Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_dropped_attributes_count UInt32,
    resource_entity_refs LowCardinality(String),
    resource_schema_url LowCardinality(String),
    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    scope_attributes String CODEC(ZSTD(1)),
    scope_dropped_attributes_count UInt32,
    scope_schema_url LowCardinality(String),
    received_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    retention_days UInt16 DEFAULT 30,
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_severity severity_number TYPE minmax GRANULARITY 1,
    INDEX ix_service service_name TYPE set(32) GRANULARITY 1,
    INDEX ix_event event_name TYPE set(32) GRANULARITY 1,
    INDEX ix_body lower(body) TYPE text(tokenizer = splitByNonAlpha)
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (project_id, timestamp, request_hash, request_row)
TTL toDateTime(timestamp) + toIntervalDay(retention_days)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1,
    enable_block_number_column = 1, enable_block_offset_column = 1;

-- Trace id to time range, so that the log records of a trace are found by its id alone. A resent record only
-- repeats a minimum or a maximum here.
CREATE TABLE IF NOT EXISTS log_trace_index (
    project_id String,
    trace_id FixedString(16),
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    retention_days SimpleAggregateFunction(max, UInt16)
) ENGINE = AggregatingMergeTree
PARTITION BY tuple()
ORDER BY (project_id, trace_id)
TTL toDateTime(last_time) + toIntervalDay(retention_days + 1)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS log_trace_index_view TO log_trace_index AS
SELECT project_id, trace_id, min(source.timestamp) AS first_time, max(source.timestamp) AS last_time,
    max(source.retention_days) AS retention_days
FROM logs AS source
WHERE trace_id != toFixedString('', 16)
GROUP BY project_id, trace_id;

-- The entities that a resource stands for, as an OTLP/JSON list: spans keep them too from now on.
ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS resource_entity_refs LowCardinality(String) AFTER resource_dropped_attributes_count;
