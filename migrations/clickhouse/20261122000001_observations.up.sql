-- A range leaves the write-ahead log when its insert is answered, so the answer must mean "on disk" here too:
-- hence the fsync settings.
-- One row per observation (every OTel span is one). Wide: whatever OTLP brought is here, losslessly.
-- `input` and `output` hold the text of the attribute named in `input_source`/`output_source`, which is then
-- absent from the attribute maps; a source that starts with `+` was composed, and its attributes stay.
CREATE TABLE IF NOT EXISTS observations (
    project_id String,
    trace_id FixedString(16),
    span_id FixedString(8),
    parent_span_id FixedString(8),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    end_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted UInt8 DEFAULT 0,
    name LowCardinality(String),
    type LowCardinality(String),
    kind UInt8,
    level LowCardinality(String),
    status_code UInt8,
    status_message String CODEC(ZSTD(1)),
    environment LowCardinality(String),
    release LowCardinality(String),
    service_name LowCardinality(String),
    provider LowCardinality(String),
    model_requested LowCardinality(String),
    model LowCardinality(String),
    trace_name LowCardinality(String),
    user_id String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    tags Array(LowCardinality(String)),
    is_entry Bool,
    counts_usage Bool,
    input_tokens UInt64,
    output_tokens UInt64,
    cache_read_tokens UInt64,
    cache_write_tokens UInt64,
    reasoning_tokens UInt64,
    cost_details Map(LowCardinality(String), Decimal(18, 12)),
    total_cost Decimal(18, 12),
    cost_source Enum8('none' = 0, 'client' = 1, 'priced' = 2),
    price_version LowCardinality(String),
    time_to_first_token_us UInt64,
    attributes_string Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attributes_int Map(LowCardinality(String), Int64) CODEC(ZSTD(1)),
    attributes_double Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    attributes_bool Map(LowCardinality(String), Bool) CODEC(ZSTD(1)),
    attributes_other Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_string Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_other Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    metadata Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    input String CODEC(ZSTD(3)),
    input_source LowCardinality(String),
    output String CODEC(ZSTD(3)),
    output_source LowCardinality(String),
    events String CODEC(ZSTD(3)),
    links String CODEC(ZSTD(3)),
    flags UInt32,
    trace_state String CODEC(ZSTD(1)),
    dropped_attributes_count UInt32,
    dropped_events_count UInt32,
    dropped_links_count UInt32,
    resource_dropped_attributes_count UInt32,
    resource_schema_url LowCardinality(String),
    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    scope_attributes String CODEC(ZSTD(1)),
    scope_dropped_attributes_count UInt32,
    scope_schema_url LowCardinality(String),
    received_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_input lower(input) TYPE text(tokenizer = splitByNonAlpha),
    INDEX ix_output lower(output) TYPE text(tokenizer = splitByNonAlpha)
) ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(start_time)
PRIMARY KEY (project_id, toStartOfMinute(start_time), xxHash32(trace_id))
ORDER BY (project_id, toStartOfMinute(start_time), xxHash32(trace_id), span_id, start_time)
TTL toDateTime(start_time) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1,
    enable_block_number_column = 1, enable_block_offset_column = 1;

-- The narrow twin: lists, filters and charts read only this.
CREATE TABLE IF NOT EXISTS observations_core (
    project_id String,
    trace_id FixedString(16),
    span_id FixedString(8),
    parent_span_id FixedString(8),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    end_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted UInt8 DEFAULT 0,
    name LowCardinality(String),
    type LowCardinality(String),
    level LowCardinality(String),
    status_code UInt8,
    environment LowCardinality(String),
    release LowCardinality(String),
    service_name LowCardinality(String),
    provider LowCardinality(String),
    model_requested LowCardinality(String),
    model LowCardinality(String),
    trace_name LowCardinality(String),
    user_id String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    tags Array(LowCardinality(String)),
    is_entry Bool,
    counts_usage Bool,
    input_tokens UInt64,
    output_tokens UInt64,
    cache_read_tokens UInt64,
    cache_write_tokens UInt64,
    reasoning_tokens UInt64,
    total_cost Decimal(18, 12),
    time_to_first_token_us UInt64,
    input_preview String CODEC(ZSTD(1)),
    output_preview String CODEC(ZSTD(1)),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_user user_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_session session_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_model model TYPE set(64) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(start_time)
PRIMARY KEY (project_id, toStartOfMinute(start_time), xxHash32(trace_id))
ORDER BY (project_id, toStartOfMinute(start_time), xxHash32(trace_id), span_id, start_time)
TTL toDateTime(start_time) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1,
    enable_block_number_column = 1, enable_block_offset_column = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS observations_core_view TO observations_core AS
SELECT project_id, trace_id, span_id, parent_span_id, start_time, end_time, version, is_deleted, name, type,
    level, status_code, environment, release, service_name, provider, model_requested, model, trace_name,
    user_id, session_id, tags, is_entry, counts_usage, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, total_cost, time_to_first_token_us,
    leftUTF8(input, 256) AS input_preview, leftUTF8(output, 256) AS output_preview
FROM observations;

-- Trace id to time range, so that a trace is found by its id alone. A resent span only repeats a minimum
-- or a maximum here; sums live where rows can be told apart.
CREATE TABLE IF NOT EXISTS trace_index (
    project_id String,
    trace_id FixedString(16),
    start_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    end_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    last_start_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    entry_start_time SimpleAggregateFunction(min, DateTime64(9, 'UTC'))
) ENGINE = AggregatingMergeTree
PARTITION BY tuple()
ORDER BY (project_id, trace_id)
TTL toDateTime(end_time) + INTERVAL 31 DAY
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS trace_index_view TO trace_index AS
SELECT project_id, trace_id, min(source.start_time) AS start_time, max(source.end_time) AS end_time,
    max(source.start_time) AS last_start_time,
    min(if(source.is_entry, source.start_time, toDateTime64('2262-01-01 00:00:00', 9, 'UTC'))) AS entry_start_time
FROM observations AS source
GROUP BY project_id, trace_id;
