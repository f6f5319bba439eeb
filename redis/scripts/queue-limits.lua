--[[
Purpose     Part of many queue scripts: the settings, each read once per call.
KEYS        as in redis/keys.ts; uses held, elsewhere, settings
Functions   is_paused(band); weight_of(tenant); limit_of(key): false without a limit; room_of(key): free slots, below
            zero after a limit was lowered, math.huge without a limit; limited_keys(keys): those that have a limit, or
            nil and the first one that is full
Complexity  O(1) for each key
]]
local paused, weights, limits = {}, {}, {}

local function is_paused(band)
  if paused[band] == nil then paused[band] = redis.call('HGET', SETTINGS, 'paused:' .. band) == '1' end
  return paused[band]
end

local function weight_of(tenant)
  if not weights[tenant] then weights[tenant] = tonumber(redis.call('HGET', SETTINGS, 'weight:' .. tenant) or 1) end
  return weights[tenant]
end

local function limit_of(key)
  if limits[key] == nil then
    local kind = string.match(key, '^%a*:') or ''
    local found = redis.call('HMGET', SETTINGS, 'limit:' .. key, 'limit:' .. kind .. '*')
    limits[key] = tonumber(found[1] or found[2] or nil) or false
  end
  return limits[key]
end

local function room_of(key)
  local limit = limit_of(key)
  if not limit then return math.huge end
  return limit - (redis.call('HGET', HELD, key) or 0) - (redis.call('HGET', ELSEWHERE, key) or 0)
end

local function limited_keys(keys)
  local limited = {}
  for key in string.gmatch(keys, '%S+') do
    if room_of(key) < 1 then return nil, key end
    if limit_of(key) then limited[#limited + 1] = key end
  end
  return table.concat(limited, ' ')
end
