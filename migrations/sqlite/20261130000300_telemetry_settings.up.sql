-- What projects have set about their telemetry: one JSON document each. `version` counts the times it was saved.

CREATE TABLE telemetry_settings (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    updated_by TEXT REFERENCES users (id) ON DELETE SET NULL,
    updated_at TEXT NOT NULL
) STRICT;
