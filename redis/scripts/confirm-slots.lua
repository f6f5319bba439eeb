--[[
Purpose     Notes which slots open tasks hold. A task that ended a moment ago gets none: it was read before its end.
KEYS        as in redis/keys.ts; uses holders, slots, held, ended
ARGV        1 milliseconds until the next confirmation is due, then for each task: task id, its keys separated by spaces
Returns     how many tasks hold slots now
Complexity  O(j log n) for j tasks given and n holders
]]
local confirmed = 0
for first = 2, #ARGV, 2 do
  local task_id, keys = ARGV[first], ARGV[first + 1]
  local held = redis.call('HGET', SLOTS, task_id)
  if held or not redis.call('ZSCORE', ENDED, task_id) then
    if held ~= keys then set_slots(task_id, keys) end
    redis.call('ZADD', HOLDERS, now + ARGV[1], task_id)
    confirmed = confirmed + 1
  end
end
return confirmed
