-- What the SDK routes were told, one row for each create, update, completion and delete, as it was said. What
-- stands in `observations` and `scores` is computed from all rows of an entity; none of these is ever changed.
-- They outlive the rows that they make by two days, so that an update just before the end still finds its create.
CREATE TABLE IF NOT EXISTS changes (
    project_id String,
    entity LowCardinality(String),
    key String,
    change_id FixedString(16),
    received_at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    verb LowCardinality(String),
    at_ns Int64 CODEC(Delta(8), ZSTD(1)),
    trace_id FixedString(16),
    start_ns Int64 CODEC(Delta(8), ZSTD(1)),
    fields String CODEC(ZSTD(3)),
    retention_days UInt16 DEFAULT 30,
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (project_id, entity, key, change_id, received_at)
TTL toDateTime(received_at) + toIntervalDay(retention_days + 2)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

-- Quality scores of traces, observations and sessions.
CREATE TABLE IF NOT EXISTS scores (
    project_id String,
    score_id String,
    trace_id FixedString(16),
    span_id FixedString(8),
    session_id String CODEC(ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted UInt8 DEFAULT 0,
    name LowCardinality(String),
    data_type LowCardinality(String),
    value Nullable(Float64),
    string_value String CODEC(ZSTD(1)),
    source LowCardinality(String),
    evaluator_name LowCardinality(String),
    evaluator_version LowCardinality(String),
    author_user_id String CODEC(ZSTD(1)),
    comment String CODEC(ZSTD(1)),
    metadata String CODEC(ZSTD(1)),
    environment LowCardinality(String),
    created_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    updated_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    retention_days UInt16 DEFAULT 30,
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_name name TYPE set(64) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(start_time)
ORDER BY (project_id, start_time, score_id)
TTL toDateTime(start_time) + toIntervalDay(retention_days)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

-- Business and system events: said once, never changed.
CREATE TABLE IF NOT EXISTS events (
    project_id String,
    event_id String,
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    name LowCardinality(String),
    level LowCardinality(String),
    trace_id FixedString(16),
    span_id FixedString(8),
    session_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    environment LowCardinality(String),
    payload String CODEC(ZSTD(3)),
    received_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    retention_days UInt16 DEFAULT 180,
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_name name TYPE set(64) GRANULARITY 1
) ENGINE = ReplacingMergeTree(received_at)
PARTITION BY toYYYYMM(start_time)
ORDER BY (project_id, start_time, event_id)
TTL toDateTime(start_time) + toIntervalDay(retention_days)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- The row of type `trace`, which holds what is said of a trace as a whole, lies where the trace's earliest entry
-- is, so it does not say itself where that is.
ALTER TABLE trace_index_view MODIFY QUERY
SELECT project_id, trace_id, min(source.start_time) AS start_time, max(source.end_time) AS end_time,
    max(source.start_time) AS last_start_time,
    min(if(source.is_entry AND source.type != 'trace', source.start_time,
        toDateTime64('2262-01-01 00:00:00', 9, 'UTC'))) AS entry_start_time
FROM observations AS source
GROUP BY project_id, trace_id;
