DROP TABLE IF EXISTS trace_decisions SYNC;
