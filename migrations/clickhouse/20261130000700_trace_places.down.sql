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
