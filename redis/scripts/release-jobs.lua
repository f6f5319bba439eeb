--[[
Purpose     Frees the slots of tasks that have ended, and remembers their ends for a while: a confirmation that was read
            before the end must not take the slots again. Does not change the bands.
KEYS        as in redis/keys.ts; uses leases, places, ended and what queue-slots uses
ARGV        1 the wake-up channel, 2 milliseconds for which an end is remembered, then the task ids
Returns     how many of them held slots
Complexity  O(j log n) for j ids given and n jobs or ends
]]
redis.call('ZREMRANGEBYSCORE', ENDED, '-inf', now - ARGV[2])
local freed = 0
for argument = 3, #ARGV do
  local task_id = ARGV[argument]
  end_lease(task_id)
  if free_slots(task_id) then freed = freed + 1 end
  redis.call('ZADD', ENDED, now, task_id)
end
wake_up(ARGV[1])
return freed
