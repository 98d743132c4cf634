-- Puts what was used in the place of what was reserved, once. Times are milliseconds.
-- KEYS: one for each demand, then the reservation's. ARGV: now or '', the reservation's id; then for each demand
-- its kind, two figures of its window (as for reserving), the amount reserved and the amount used.
local made = redis.call('GET', KEYS[#KEYS])
if not made then
  return 0
end
redis.call('DEL', KEYS[#KEYS])
local at = tonumber(made)
local now
if ARGV[1] == '' then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
else
  now = tonumber(ARGV[1])
end

local function whole(number)
  return string.format('%.0f', number)
end

for i = 1, #KEYS - 1 do
  local from, key = 5 * i - 2, KEYS[i]
  local kind, a, b = ARGV[from], tonumber(ARGV[from + 1]), tonumber(ARGV[from + 2])
  local reserved, used = tonumber(ARGV[from + 3]), tonumber(ARGV[from + 4])
  if kind == 'sliding' then
    local slot = math.floor(at / a)
    if (slot + 1) * a + b > now then
      local units = math.max(tonumber(redis.call('HGET', key, whole(slot)) or 0) - reserved, 0) + used
      if units > 0 then
        redis.call('HSET', key, whole(slot), whole(math.min(units, 9007199254740991)))
        redis.call('PEXPIRE', key, whole(b + 2 * a + 1000))
      else
        redis.call('HDEL', key, whole(slot))
      end
    end
  elseif kind == 'until' then
    local units = math.max(tonumber(redis.call('GET', key) or 0) - reserved, 0) + used
    local ttl = math.max(a - now, 0) + 60000
    redis.call('SET', key, whole(math.min(units, 9007199254740991)), 'PX', whole(ttl))
  elseif reserved > 0 and redis.call('ZREM', key, ARGV[2] .. ':' .. i .. ':' .. whole(reserved)) == 1 then
    redis.call('DECRBY', key .. ':total', whole(reserved))
  end
end
return 1
