--[[
Purpose     Gives leased jobs back unused: at once to the place where they waited, or after a delay, during which they
            stay leased to nobody and hold nothing.
KEYS        as in redis/keys.ts; uses what queue-leases uses
ARGV        1 the wake-up channel, 2 the delay in milliseconds, then the task ids
Returns     how many of them held a lease
Complexity  O(j log n) for j ids given and n jobs
]]
local delay = tonumber(ARGV[2])

local function give_back(task_id)
  if delay == 0 then return return_to_band(task_id) end
  if redis.call('HEXISTS', PLACES, task_id) == 0 then return false end
  redis.call('ZADD', LEASES, now + delay, task_id)
  free_unstarted(task_id)
  return true
end

local given_back = 0
for argument = 3, #ARGV do
  if give_back(ARGV[argument]) then given_back = given_back + 1 end
end
if given_back > 0 and (delay == 0 or invited > 0) then redis.call('PUBLISH', ARGV[1], '') end
return given_back
