-- Takes units from a bucket, or none. The bucket is the instant (microseconds) at which it is full again.
-- KEYS: the bucket. ARGV: now or '', period, cost. Answers: taken (1 or 0), full in, excess.
local now
if ARGV[1] == '' then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
else
  now = tonumber(ARGV[1])
end
local period, cost = tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local excess = full + cost - now - period
if excess > 0 then
  return {0, full - now, excess}
end
full = full + cost
if full > now then
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000)
end
return {1, full - now, 0}
