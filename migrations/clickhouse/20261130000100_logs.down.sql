ALTER TABLE observations
    DROP COLUMN IF EXISTS resource_entity_refs;
DROP VIEW IF EXISTS log_trace_index_view SYNC;
DROP TABLE IF EXISTS log_trace_index SYNC;
DROP TABLE IF EXISTS logs SYNC;
