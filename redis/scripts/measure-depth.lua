--[[
Purpose     Counts the index at one instant.
KEYS        as in redis/keys.ts; uses 1-3 (bands), 4 (leases), 6 (epoch)
ARGV        none
Returns     jobs in the first, second and third band, leases, and 1 when the index is whole or 0 when it is gone
Complexity  O(1)
]]
return {
  redis.call('ZCARD', KEYS[1]),
  redis.call('ZCARD', KEYS[2]),
  redis.call('ZCARD', KEYS[3]),
  redis.call('ZCARD', KEYS[4]),
  redis.call('EXISTS', KEYS[6]),
}
