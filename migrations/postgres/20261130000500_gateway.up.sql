-- What an organization configures of the gateway for itself. `config` is a JSON document that the gateway understands;
-- credentials are in `sealed` and nowhere else, encrypted.
CREATE TABLE gateway_entries (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('provider', 'route', 'quota')),
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    sealed TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    updated_by TEXT REFERENCES users (id) ON DELETE SET NULL,
    PRIMARY KEY (organization_id, kind, name)
);

-- One row per organization that ever had entries, with another text for every change: nodes follow it.
CREATE TABLE gateway_revisions (
    organization_id TEXT NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    revision TEXT NOT NULL
);

-- Patterns of the models that a key may use, separated by single spaces; every model when there are none.
ALTER TABLE api_keys ADD COLUMN models TEXT NOT NULL DEFAULT '';

ALTER TABLE api_keys ADD COLUMN disabled_at TIMESTAMPTZ;
