--[[
Purpose     Ends the leases of tasks that PostgreSQL has taken over. Leaves the bands alone: a job that waits there was
            put there after the lease had ended.
KEYS        as in redis/keys.ts; uses 4 (leases), 5 (places of leased jobs)
ARGV        the task ids
Returns     how many of them held a lease
Complexity  O(j log n) for j ids given and n leases
]]
local ended = 0
for _, task_id in ipairs(ARGV) do
  ended = ended + redis.call('ZREM', KEYS[4], task_id)
  redis.call('HDEL', KEYS[5], task_id)
end
return ended
