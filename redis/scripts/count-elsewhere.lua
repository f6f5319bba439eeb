--[[
Purpose     Notes how many slots the tasks of other task queues hold.
KEYS        as in redis/keys.ts; uses elsewhere
ARGV        for each key: the key, its slots
Returns     how many keys were given
Complexity  O(k) for k keys given
]]
for first = 1, #ARGV, 2 do
  local key, slots = ARGV[first], tonumber(ARGV[first + 1])
  if slots > 0 then redis.call('HSET', ELSEWHERE, key, slots) else redis.call('HDEL', ELSEWHERE, key) end
end
return #ARGV / 2
