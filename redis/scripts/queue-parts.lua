--[[
Purpose     Part of measure-depth and begin-rebuild: whether keys that change together still agree. They do not when
            Redis has evicted one of them, or somebody has deleted it.
KEYS        as in redis/keys.ts; uses leases, places, holders, slots, held
Functions   leases_agree(); slots_agree(): whoever holds slots is leased or has started
Complexity  O(1)
]]
local function leases_agree()
  return redis.call('HLEN', PLACES) == redis.call('ZCARD', LEASES)
end

local function slots_agree()
  if redis.call('EXISTS', SLOTS) ~= redis.call('EXISTS', HELD) then return false end
  return redis.call('HLEN', SLOTS) <= redis.call('ZCARD', HOLDERS) + redis.call('ZCARD', LEASES)
end
