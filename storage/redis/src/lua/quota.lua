-- Reserves every demand, or none; or only tells how the counters stand. Times are milliseconds.
-- KEYS: one for each demand, then the reservation's.
-- ARGV: now or '', what to do ('take' or 'stand'), the reservation's id and time to live; then for each demand
-- its kind, two figures of its window (slot and period; end and 0; lease and 0), limit and amount.
-- Answers: 0 or the number of the demand that did not fit, then for each demand used, retry after, reset after.
--
-- A sliding window is a hash of slot to units. A calendar period is a number. Units held are a sorted set of
-- reservations by the end of their lease, with their total beside it. The reservation itself is a key with
-- the time at which it was made; whoever deletes it settles it.
local now
if ARGV[1] == '' then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
else
  now = tonumber(ARGV[1])
end
local take, id = ARGV[2] == 'take', ARGV[3]
local count = #KEYS - 1

local function whole(number)
  return string.format('%.0f', number)
end

local function outlive(key, ttl)
  if redis.call('PTTL', key) < ttl then
    redis.call('PEXPIRE', key, whole(ttl))
  end
end

-- Each loader gives what is used and when which part of it comes back.
local load = {}

function load.sliding(key, slot_ms, period)
  local fields = redis.call('HGETALL', key)
  local used, parts, gone = 0, {}, {}
  for i = 1, #fields, 2 do
    local slot, units = tonumber(fields[i]), tonumber(fields[i + 1])
    local lapses = (slot + 1) * slot_ms + period
    if lapses <= now or slot * slot_ms - now > period then
      gone[#gone + 1] = fields[i]
    else
      used = used + units
      parts[#parts + 1] = {lapses, units}
    end
  end
  if #gone > 0 then
    redis.call('HDEL', key, unpack(gone))
  end
  return used, parts
end

load['until'] = function(key, ends)
  local used = tonumber(redis.call('GET', key) or 0)
  return used, {{ends, used}}
end

function load.held(key)
  if redis.call('EXISTS', key) == 0 then
    -- Nothing is held, whatever the total says (a Redis that evicts may have dropped one of the two).
    redis.call('DEL', key .. ':total')
    return 0, nil
  end
  local lapsed = redis.call('ZRANGEBYSCORE', key, '-inf', whole(now), 'LIMIT', 0, 4000)
  if #lapsed > 0 then
    local units = 0
    for _, member in ipairs(lapsed) do
      units = units + tonumber(string.match(member, '%d+$'))
    end
    redis.call('ZREM', key, unpack(lapsed))
    redis.call('DECRBY', key .. ':total', whole(units))
  end
  return tonumber(redis.call('GET', key .. ':total') or 0), nil
end

local function held_parts(key, first, last)
  local found, parts = redis.call('ZRANGE', key, first, last, 'WITHSCORES'), {}
  for i = 1, #found, 2 do
    parts[#parts + 1] = {tonumber(found[i + 1]), tonumber(string.match(found[i], '%d+$'))}
  end
  return parts
end

local demands, counters = {}, {}
for i = 1, count do
  local at = 5 * i
  local demand = {
    key = KEYS[i], kind = ARGV[at], a = tonumber(ARGV[at + 1]), b = tonumber(ARGV[at + 2]),
    limit = tonumber(ARGV[at + 3]), amount = tonumber(ARGV[at + 4])
  }
  demands[i] = demand
  if not counters[demand.key] then
    local used, parts = load[demand.kind](demand.key, demand.a, demand.b)
    counters[demand.key] = {used = used, taken = 0, parts = parts}
  end
end

local refused = 0
if take then
  for i, demand in ipairs(demands) do
    local counter = counters[demand.key]
    if counter.used + counter.taken + demand.amount > demand.limit then
      refused = i
      break
    end
    counter.taken = counter.taken + demand.amount
  end
end

local granted = take and refused == 0
if granted then
  for i, demand in ipairs(demands) do
    if demand.amount > 0 then
      if demand.kind == 'sliding' then
        local slot = math.floor(now / demand.a)
        redis.call('HINCRBY', demand.key, whole(slot), whole(demand.amount))
        outlive(demand.key, demand.b + 2 * demand.a + 1000)
        local parts = counters[demand.key].parts
        parts[#parts + 1] = {(slot + 1) * demand.a + demand.b, demand.amount}
      elseif demand.kind == 'until' then
        redis.call('INCRBY', demand.key, whole(demand.amount))
        outlive(demand.key, math.max(demand.a - now, 0) + 60000)
      else
        redis.call('ZADD', demand.key, whole(now + demand.a), id .. ':' .. i .. ':' .. whole(demand.amount))
        redis.call('INCRBY', demand.key .. ':total', whole(demand.amount))
        outlive(demand.key, demand.a + 60000)
        outlive(demand.key .. ':total', demand.a + 60000)
      end
    end
  end
  if count > 0 then
    redis.call('SET', KEYS[count + 1], whole(now), 'PX', ARGV[4])
  end
end

local function latest(demand, parts)
  if demand.kind == 'until' then
    return demand.a
  elseif demand.kind == 'held' then
    parts = held_parts(demand.key, -1, -1)
  end
  local at = now
  for _, part in ipairs(parts) do
    at = math.max(at, part[1])
  end
  return at
end

local function freed(demand, parts, units)
  if demand.kind == 'until' then
    return demand.a
  elseif demand.kind == 'held' then
    parts = held_parts(demand.key, 0, math.min(units, 10000) - 1)
  else
    table.sort(parts, function(one, other) return one[1] < other[1] end)
  end
  local at = now
  for _, part in ipairs(parts) do
    if units <= 0 then
      break
    end
    units = units - part[2]
    at = part[1]
  end
  return at
end

local answer = {refused}
for _, demand in ipairs(demands) do
  local counter = counters[demand.key]
  local used = counter.used
  local asked = demand.amount
  if granted then
    used, asked = used + counter.taken, 0
  end
  local reset = math.max(latest(demand, counter.parts) - now, 0)
  local retry = 0
  if not granted and used + asked > demand.limit then
    if asked > demand.limit then
      retry = reset
    else
      retry = math.max(freed(demand, counter.parts, used + asked - demand.limit) - now, 0)
    end
  end
  answer[#answer + 1] = used
  answer[#answer + 1] = retry
  answer[#answer + 1] = reset
end
return answer
