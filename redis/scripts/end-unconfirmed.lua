--[[
Purpose     Frees the slots of started tasks that a confirmation has not named, unless they are too young for it.
KEYS        as in redis/keys.ts; uses what queue-slots uses
ARGV        1 the wake-up channel, 2 milliseconds within which the deadline of such a task ends, 3 most tasks
Returns     how many tasks held slots no longer
Complexity  O(j log n) for j such tasks and n holders
]]
local due = redis.call('ZRANGE', HOLDERS, '-inf', now + ARGV[2], 'BYSCORE', 'LIMIT', 0, ARGV[3])
for _, task_id in ipairs(due) do free_slots(task_id) end
wake_up(ARGV[1])
return #due
