CREATE TABLE IF NOT EXISTS trace_index (
    project_id String,
    trace_id FixedString(16),
    start_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    end_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    last_start_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    entry_start_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    retention_days SimpleAggregateFunction(max, UInt16) DEFAULT 30
) ENGINE = AggregatingMergeTree
PARTITION BY tuple()
ORDER BY (project_id, trace_id)
TTL toDateTime(end_time) + toIntervalDay(retention_days + 1)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;
