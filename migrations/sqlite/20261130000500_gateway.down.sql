ALTER TABLE api_keys DROP COLUMN disabled_at;

ALTER TABLE api_keys DROP COLUMN models;

DROP TABLE gateway_revisions;

DROP TABLE gateway_entries;
