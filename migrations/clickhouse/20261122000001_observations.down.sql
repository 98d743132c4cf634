DROP VIEW IF EXISTS trace_index_view SYNC;
DROP TABLE IF EXISTS trace_index SYNC;
DROP VIEW IF EXISTS observations_core_view SYNC;
DROP TABLE IF EXISTS observations_core SYNC;
DROP TABLE IF EXISTS observations SYNC;
