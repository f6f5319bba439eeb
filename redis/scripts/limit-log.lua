--[[
Purpose     Part of take-limits and adjust-limits: keeps the log of a limit, an entry for each unit, until the entry is
            `window` microseconds old. Entries from beyond a clock that went back count as made now.
KEYS        one sorted set: unique names by time in microseconds
Complexity  O(log n + m) for n entries and m added or removed
]]
local function count_entries(key, window, now)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local newest = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
  if not newest then return 0, now end
  if tonumber(newest) > now then
    for _, entry in ipairs(redis.call('ZRANGE', key, '(' .. string.format('%.0f', now), '+inf', 'BYSCORE')) do
      redis.call('ZADD', key, now, entry)
    end
  end
  return redis.call('ZCARD', key), math.min(tonumber(newest), now)
end

local function entry_ends(key, place, window, now)
  return tonumber(redis.call('ZRANGE', key, place, place, 'WITHSCORES')[2]) + window - now
end

local function add_entries(key, count, window, now, name)
  for entry = 1, count do
    redis.call('ZADD', key, now, name .. ':' .. entry)
  end
  if count > 0 then redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(window / 1000) + 1000)) end
end
