-- What charts read: per project and quarter of an hour one row, computed from the rows of `observations_core`
-- and never added to, so that a resent, corrected, re-priced or deleted observation cannot falsify it.
--
-- Which quarters are to be computed (again) is written down by every insert itself: a mark per project and
-- quarter that it touched. Quarters whose newest mark is younger than their row are read from the observations.
CREATE TABLE IF NOT EXISTS usage_marks (
    project_id String,
    bucket DateTime('UTC'),
    marked_at SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    INDEX ix_marked_at marked_at TYPE minmax GRANULARITY 1
) ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (project_id, bucket)
TTL bucket + INTERVAL 32 DAY
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_marks_view TO usage_marks AS
SELECT project_id, toStartOfFifteenMinutes(toDateTime(source.start_time, 'UTC')) AS bucket,
    max(now64(6, 'UTC')) AS marked_at
FROM observations AS source
GROUP BY project_id, bucket;

-- One row per quarter, replaced as a whole. The names of the groups say what is counted apart: `kinds` of
-- observations, `names` of traces, `users` and `sessions` (each observation counts for the user and the session
-- of its trace), and `facets`, the traces in which a value occurs. Durations are counted in logarithmic bins,
-- sixteen to the doubling, which add up exactly where percentiles do not.
CREATE TABLE IF NOT EXISTS usage_15m (
    project_id String,
    bucket DateTime('UTC'),
    computed_at DateTime64(6, 'UTC'),
    covers_until DateTime64(6, 'UTC'),
    retention_days UInt16 DEFAULT 30,
    kinds Nested (
        environment LowCardinality(String), provider LowCardinality(String), model LowCardinality(String),
        type LowCardinality(String),
        observations UInt64, errors UInt64, requests UInt64, request_errors UInt64, traces UInt64,
        trace_errors UInt64, input_tokens UInt64, output_tokens UInt64, cache_read_tokens UInt64,
        cache_write_tokens UInt64, reasoning_tokens UInt64, cost Decimal(38, 12),
        latency Map(UInt16, UInt64), first_token Map(UInt16, UInt64), trace_latency Map(UInt16, UInt64)
    ),
    names Nested (
        environment LowCardinality(String), service_name LowCardinality(String), name LowCardinality(String),
        status_code UInt8,
        observations UInt64, errors UInt64, requests UInt64, request_errors UInt64, traces UInt64,
        trace_errors UInt64, input_tokens UInt64, output_tokens UInt64, cache_read_tokens UInt64,
        cache_write_tokens UInt64, reasoning_tokens UInt64, cost Decimal(38, 12),
        latency Map(UInt16, UInt64), first_token Map(UInt16, UInt64), trace_latency Map(UInt16, UInt64)
    ),
    users Nested (
        environment LowCardinality(String), user_id String,
        observations UInt64, errors UInt64, requests UInt64, request_errors UInt64, traces UInt64,
        trace_errors UInt64, input_tokens UInt64, output_tokens UInt64, cache_read_tokens UInt64,
        cache_write_tokens UInt64, reasoning_tokens UInt64, cost Decimal(38, 12),
        latency Map(UInt16, UInt64), first_token Map(UInt16, UInt64), trace_latency Map(UInt16, UInt64)
    ),
    sessions Nested (
        environment LowCardinality(String), session_id String, user_id String,
        observations UInt64, errors UInt64, requests UInt64, request_errors UInt64, traces UInt64,
        trace_errors UInt64, input_tokens UInt64, output_tokens UInt64, cache_read_tokens UInt64,
        cache_write_tokens UInt64, reasoning_tokens UInt64, cost Decimal(38, 12),
        latency Map(UInt16, UInt64), first_token Map(UInt16, UInt64), trace_latency Map(UInt16, UInt64)
    ),
    facets Nested (field LowCardinality(String), value String, traces UInt64)
) ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(bucket)
ORDER BY (project_id, bucket)
TTL bucket + toIntervalDay(retention_days)
SETTINGS index_granularity = 64;

-- What is stored already is marked once.
INSERT INTO usage_marks (project_id, bucket, marked_at)
SELECT project_id, toStartOfFifteenMinutes(toDateTime(source.start_time, 'UTC')) AS bucket, max(now64(6, 'UTC'))
FROM observations_core AS source
GROUP BY project_id, bucket;
