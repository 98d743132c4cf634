-- In a step of its own: the one before fills `trace_places` from it, and may have to be begun again.
DROP TABLE IF EXISTS trace_index SYNC;
