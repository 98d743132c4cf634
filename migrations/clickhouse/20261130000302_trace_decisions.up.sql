-- What tail sampling has decided about a trace. Of several decisions the first stands, so a row is never changed.
CREATE TABLE IF NOT EXISTS trace_decisions (
    project_id String,
    trace_id FixedString(16),
    trace_start DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    decided_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kept Bool,
    reason LowCardinality(String),
    retention_days UInt16 DEFAULT 30,
    INDEX ix_decided_at decided_at TYPE minmax GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toYYYYMM(trace_start)
ORDER BY (project_id, trace_start, trace_id)
TTL toDateTime(trace_start) + toIntervalDay(retention_days)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;
