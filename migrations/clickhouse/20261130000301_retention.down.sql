ALTER TABLE usage_marks_view MODIFY QUERY
SELECT project_id, toStartOfFifteenMinutes(toDateTime(source.start_time, 'UTC')) AS bucket,
    max(now64(6, 'UTC')) AS marked_at
FROM observations AS source
GROUP BY project_id, bucket;

ALTER TABLE usage_marks MODIFY TTL bucket + INTERVAL 32 DAY
SETTINGS materialize_ttl_after_modify = 0;

ALTER TABLE usage_marks
    DROP COLUMN IF EXISTS retention_days;

ALTER TABLE trace_index_view MODIFY QUERY
SELECT project_id, trace_id, min(source.start_time) AS start_time, max(source.end_time) AS end_time,
    max(source.start_time) AS last_start_time,
    min(if(source.is_entry AND source.type != 'trace', source.start_time,
        toDateTime64('2262-01-01 00:00:00', 9, 'UTC'))) AS entry_start_time
FROM observations AS source
GROUP BY project_id, trace_id;

ALTER TABLE trace_index MODIFY TTL toDateTime(end_time) + INTERVAL 31 DAY
SETTINGS materialize_ttl_after_modify = 0;

ALTER TABLE trace_index
    DROP COLUMN IF EXISTS retention_days;

ALTER TABLE observations_core_view MODIFY QUERY
SELECT project_id, trace_id, span_id, parent_span_id, start_time, end_time, version, is_deleted, name, type,
    level, status_code, environment, release, service_name, provider, model_requested, model, trace_name,
    user_id, session_id, tags, is_entry, counts_usage, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, total_cost, time_to_first_token_us,
    leftUTF8(input, 256) AS input_preview, leftUTF8(output, 256) AS output_preview
FROM observations;

ALTER TABLE observations_core MODIFY TTL toDateTime(start_time) + INTERVAL 30 DAY
SETTINGS materialize_ttl_after_modify = 0;

ALTER TABLE observations_core
    DROP COLUMN IF EXISTS retention_days;

ALTER TABLE observations MODIFY TTL toDateTime(start_time) + INTERVAL 30 DAY
SETTINGS materialize_ttl_after_modify = 0;

ALTER TABLE observations
    DROP COLUMN IF EXISTS retention_days;
