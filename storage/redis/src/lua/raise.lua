-- Raises the counter of a calendar period to `base` and then adds `delta`, once.
-- KEYS: the counter, the mark that it was done. ARGV: base, delta, time to live in milliseconds.
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', 3600000) then
  return 0
end
local units = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(ARGV[1])) + tonumber(ARGV[2])
units = math.min(math.max(units, 0), 9007199254740991)
redis.call('SET', KEYS[1], string.format('%.0f', units), 'PX', ARGV[3])
return 1
