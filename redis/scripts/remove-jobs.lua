--[[
Purpose     Takes jobs out of the index wherever they are, waiting or leased.
KEYS        as in redis/keys.ts; uses 1-3 (bands), 4 (leases), 5 (places of leased jobs)
ARGV        the task ids
Returns     how many of them were in the index
Complexity  O(j log n) for j ids given and n jobs
]]
local removed = 0
for _, task_id in ipairs(ARGV) do
  for key = 1, 4 do
    removed = removed + redis.call('ZREM', KEYS[key], task_id)
  end
  redis.call('HDEL', KEYS[5], task_id)
end
return removed
