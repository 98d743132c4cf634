-- How long a row is kept is in the row: what its project's settings said when it was accepted. What is stored
-- already keeps the thirty days that it was stored with, so nothing has to be rewritten for the new lifetimes.
ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS retention_days UInt16 DEFAULT 30;

ALTER TABLE observations MODIFY TTL toDateTime(start_time) + toIntervalDay(retention_days)
SETTINGS materialize_ttl_after_modify = 0;

ALTER TABLE observations_core
    ADD COLUMN IF NOT EXISTS retention_days UInt16 DEFAULT 30;

ALTER TABLE observations_core MODIFY TTL toDateTime(start_time) + toIntervalDay(retention_days)
SETTINGS materialize_ttl_after_modify = 0;

ALTER TABLE observations_core_view MODIFY QUERY
SELECT project_id, trace_id, span_id, parent_span_id, start_time, end_time, version, is_deleted, name, type,
    level, status_code, environment, release, service_name, provider, model_requested, model, trace_name,
    user_id, session_id, tags, is_entry, counts_usage, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, total_cost, time_to_first_token_us,
    leftUTF8(input, 256) AS input_preview, leftUTF8(output, 256) AS output_preview, retention_days
FROM observations;

-- A trace is found for as long as any of its observations is kept.
ALTER TABLE trace_index
    ADD COLUMN IF NOT EXISTS retention_days SimpleAggregateFunction(max, UInt16) DEFAULT 30;

ALTER TABLE trace_index MODIFY TTL toDateTime(end_time) + toIntervalDay(retention_days + 1)
SETTINGS materialize_ttl_after_modify = 0;

ALTER TABLE trace_index_view MODIFY QUERY
SELECT project_id, trace_id, min(source.start_time) AS start_time, max(source.end_time) AS end_time,
    max(source.start_time) AS last_start_time,
    min(if(source.is_entry AND source.type != 'trace', source.start_time,
        toDateTime64('2262-01-01 00:00:00', 9, 'UTC'))) AS entry_start_time,
    max(source.retention_days) AS retention_days
FROM observations AS source
GROUP BY project_id, trace_id;

-- And a quarter of an hour is charted for as long.
ALTER TABLE usage_marks
    ADD COLUMN IF NOT EXISTS retention_days SimpleAggregateFunction(max, UInt16) DEFAULT 30;

ALTER TABLE usage_marks MODIFY TTL bucket + toIntervalDay(retention_days + 2)
SETTINGS materialize_ttl_after_modify = 0;

ALTER TABLE usage_marks_view MODIFY QUERY
SELECT project_id, toStartOfFifteenMinutes(toDateTime(source.start_time, 'UTC')) AS bucket,
    max(now64(6, 'UTC')) AS marked_at, max(source.retention_days) AS retention_days
FROM observations AS source
GROUP BY project_id, bucket;
