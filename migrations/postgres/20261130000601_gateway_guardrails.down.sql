DELETE FROM gateway_entries WHERE kind = 'guardrail';

ALTER TABLE gateway_entries DROP CONSTRAINT gateway_entries_kind_check;

ALTER TABLE gateway_entries ADD CONSTRAINT gateway_entries_kind_check CHECK (kind IN ('provider', 'route', 'quota'));
