-- What attributes there are and what they are set to, for completion while a filter is typed: the most frequent
-- values of each key per project and quarter of an hour, computed together with `usage_15m` and as current.
-- Long values are left out, and so are keys and values beyond a number, so that a row stays small.
CREATE TABLE IF NOT EXISTS attributes_15m (
    project_id String,
    bucket DateTime('UTC'),
    computed_at DateTime64(6, 'UTC'),
    retention_days UInt16 DEFAULT 30,
    found Nested (scope LowCardinality(String), key LowCardinality(String), value String, observations UInt64)
) ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(bucket)
ORDER BY (project_id, bucket)
TTL bucket + toIntervalDay(retention_days)
SETTINGS index_granularity = 64;

-- Quarters that were rolled up before this table was there are rolled up once more.
INSERT INTO usage_marks (project_id, bucket, marked_at)
SELECT project_id, bucket, max(now64(6, 'UTC'))
FROM usage_15m
GROUP BY project_id, bucket;
