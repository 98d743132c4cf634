ALTER TABLE trace_index_view MODIFY QUERY
SELECT project_id, trace_id, min(source.start_time) AS start_time, max(source.end_time) AS end_time,
    max(source.start_time) AS last_start_time,
    min(if(source.is_entry, source.start_time, toDateTime64('2262-01-01 00:00:00', 9, 'UTC'))) AS entry_start_time
FROM observations AS source
GROUP BY project_id, trace_id;
DROP TABLE IF EXISTS events SYNC;
DROP TABLE IF EXISTS scores SYNC;
DROP TABLE IF EXISTS changes SYNC;
