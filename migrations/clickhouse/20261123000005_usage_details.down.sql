ALTER TABLE observations
    DROP COLUMN IF EXISTS price_mode,
    DROP COLUMN IF EXISTS usage_details;
