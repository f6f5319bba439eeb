--[[
Purpose     Part of measure-depth and begin-rebuild: whether keys that change together still agree. They do not if one
            of them was evicted or deleted.
KEYS        as in redis/keys.ts; uses leases, places, holders, slots, held, queues, let_in, turns
Functions   foreign_keys(): keys of another type, which another program wrote; leases_agree(); slots_agree(): every
            holder of slots is leased or has started; parked_agree(parked): for this number of parked jobs
Complexity  O(1)
]]
local TYPES = { 'zset', 'zset', 'zset', 'zset', 'zset', 'zset', 'zset', 'zset', 'zset', 'hash', 'zset', 'hash', 'zset',
  'hash', 'hash', 'hash', 'hash', 'hash', 'hash', 'zset', 'string', 'string', 'zset', 'zset', 'hash' }

local function foreign_keys()
  local found = {}
  for index, key in ipairs(KEYS) do
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'none' and kind ~= TYPES[index] then found[#found + 1] = key end
  end
  return found
end

local function leases_agree()
  return redis.call('HLEN', PLACES) == redis.call('ZCARD', LEASES)
end

local function slots_agree()
  if redis.call('EXISTS', SLOTS) ~= redis.call('EXISTS', HELD) then return false end
  return redis.call('HLEN', SLOTS) <= redis.call('ZCARD', HOLDERS) + redis.call('ZCARD', LEASES)
end

local function parked_agree(parked)
  if redis.call('EXISTS', QUEUES) ~= (parked > 0 and 1 or 0) then return false end
  return (redis.call('EXISTS', QUEUES, LET_IN) > 0) == (redis.call('EXISTS', TURNS) == 1)
end
