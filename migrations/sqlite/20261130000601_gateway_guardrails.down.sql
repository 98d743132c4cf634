DELETE FROM gateway_entries WHERE kind = 'guardrail';

ALTER TABLE gateway_entries RENAME TO gateway_entries_before;

CREATE TABLE gateway_entries (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('provider', 'route', 'quota')),
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    sealed TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    updated_by TEXT REFERENCES users (id) ON DELETE SET NULL,
    PRIMARY KEY (organization_id, kind, name)
) STRICT;

INSERT INTO gateway_entries
    (organization_id, kind, name, config, sealed, created_at, updated_at, updated_by)
SELECT organization_id, kind, name, config, sealed, created_at, updated_at, updated_by
FROM gateway_entries_before;

DROP TABLE gateway_entries_before;
