-- What the five columns of counts leave out: tokens of audio, of images, and written to a cache for an hour,
-- each already part of `input_tokens` or `output_tokens`. And how the call was made, where that has a price.
ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS usage_details Map(LowCardinality(String), UInt64) AFTER reasoning_tokens,
    ADD COLUMN IF NOT EXISTS price_mode LowCardinality(String) AFTER usage_details;
