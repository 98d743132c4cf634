-- One row per data point of a metric, of any kind, losslessly. `series` stands for the resource, scope, metric and
-- attributes that a point belongs to. Points are told apart as log records are, so that equal ones both stay.
-- `number` is a gauge's or sum's value as a double, also when it was sent as the integer `number_int`.
-- The bits of `present` say that a field was there, be it zero: 1 sum, 2 min, 4 max, 8 positive, 16 negative.
CREATE TABLE IF NOT EXISTS metrics (
    project_id String,
    name LowCardinality(String),
    series UInt64,
    timestamp DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    request_hash UInt64 CODEC(ZSTD(1)),
    request_row UInt32 CODEC(Delta(4), ZSTD(1)),
    time_unix_nano UInt64 CODEC(DoubleDelta, ZSTD(1)),
    start_time_unix_nano UInt64 CODEC(Delta(8), ZSTD(1)),
    kind Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5),
    temporality Int32,
    is_monotonic Bool,
    unit LowCardinality(String),
    description LowCardinality(String),
    metadata LowCardinality(String),
    flags UInt32,
    environment LowCardinality(String),
    service_name LowCardinality(String),
    number_kind Enum8('none' = 0, 'int' = 1, 'double' = 2),
    number Float64 CODEC(ZSTD(1)),
    number_int Int64 CODEC(ZSTD(1)),
    present UInt8,
    count UInt64 CODEC(ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    min Float64 CODEC(ZSTD(1)),
    max Float64 CODEC(ZSTD(1)),
    bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    explicit_bounds Array(Float64) CODEC(ZSTD(1)),
    scale Int32,
    zero_count UInt64,
    zero_threshold Float64,
    positive_offset Int32,
    positive_counts Array(UInt64) CODEC(ZSTD(1)),
    negative_offset Int32,
    negative_counts Array(UInt64) CODEC(ZSTD(1)),
    quantiles Array(Float64),
    quantile_values Array(Float64) CODEC(ZSTD(1)),
    exemplars String CODEC(ZSTD(1)),
    attributes_string Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attributes_int Map(LowCardinality(String), Int64) CODEC(ZSTD(1)),
    attributes_double Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    attributes_bool Map(LowCardinality(String), Bool) CODEC(ZSTD(1)),
    attributes_other Map(LowCardinality(String), String) CODEC(ZSTD(1)),
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
    retention_days UInt16 DEFAULT 90
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
PRIMARY KEY (project_id, name, toStartOfHour(timestamp), series)
ORDER BY (project_id, name, toStartOfHour(timestamp), series, timestamp, request_hash, request_row)
TTL toDateTime(timestamp) + toIntervalDay(retention_days)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1,
    enable_block_number_column = 1, enable_block_offset_column = 1;

-- Which metrics there are, by day and service: what the list of names reads. Nothing in it is a sum, so that a
-- resent point changes nothing.
CREATE TABLE IF NOT EXISTS metric_names (
    project_id String,
    name LowCardinality(String),
    day Date,
    service_name LowCardinality(String),
    kind Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5),
    unit LowCardinality(String),
    temporality Int32,
    is_monotonic Bool,
    description SimpleAggregateFunction(max, String),
    first_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    retention_days SimpleAggregateFunction(max, UInt16)
) ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (project_id, name, day, service_name, kind, unit, temporality, is_monotonic)
TTL day + toIntervalDay(retention_days + 1)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS metric_names_view TO metric_names AS
SELECT project_id, name, toDate(source.timestamp) AS day, service_name, kind, unit, temporality, is_monotonic,
    max(toString(source.description)) AS description, min(source.timestamp) AS first_time,
    max(source.timestamp) AS last_time, max(source.retention_days) AS retention_days
FROM metrics AS source
GROUP BY project_id, name, day, service_name, kind, unit, temporality, is_monotonic;
