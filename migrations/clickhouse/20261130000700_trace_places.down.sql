-- It is there, unless this was begun before and broke off at its end.
CREATE TABLE IF NOT EXISTS trace_places (
    project_id String,
    trace_id FixedString(16),
    start_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    end_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    last_start_time SimpleAggregateFunction(max, DateTime64(9, 'UTC')),
    entry_start_time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    retention_days SimpleAggregateFunction(max, UInt16) DEFAULT 30,
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = AggregatingMergeTree
PARTITION BY tuple()
ORDER BY (project_id, trace_id)
TTL toDateTime(end_time) + toIntervalDay(retention_days + 1)
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE observations_core
    DROP INDEX IF EXISTS ix_name;

CREATE MATERIALIZED VIEW IF NOT EXISTS trace_index_view TO trace_index AS
SELECT project_id, trace_id, min(source.start_time) AS start_time, max(source.end_time) AS end_time,
    max(source.start_time) AS last_start_time,
    min(if(source.is_entry AND source.type != 'trace', source.start_time,
        toDateTime64('2262-01-01 00:00:00', 9, 'UTC'))) AS entry_start_time,
    max(source.retention_days) AS retention_days
FROM observations AS source
GROUP BY project_id, trace_id;

DROP VIEW IF EXISTS trace_places_view SYNC;

INSERT INTO trace_index (project_id, trace_id, start_time, end_time, last_start_time, entry_start_time, retention_days)
SELECT project_id, trace_id, start_time, end_time, last_start_time, entry_start_time, retention_days
FROM trace_places;

DROP TABLE IF EXISTS trace_places SYNC;
