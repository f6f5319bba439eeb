--[[
Purpose     Notes which slots an open task holds from now on, and lets parked jobs whose keys have more room wait again.
            A task that holds none is remembered as ended for a while: a confirmation that was read before must not give
            it its slots again.
KEYS        as in redis/keys.ts; uses ended and what queue-slots uses
ARGV        1 the wake-up channel, 2 milliseconds until a confirmation is due, 3 the task id, 4 its keys separated by
            spaces
Returns     'set', or 'unchanged' when it held exactly these
Complexity  O(k log n) for k keys and n holders
]]
local task_id, keys = ARGV[3], ARGV[4]
local before = redis.call('HGET', SLOTS, task_id) or ''
if keys == '' then
  free_slots(task_id)
  redis.call('ZADD', ENDED, now, task_id)
else
  set_slots(task_id, keys)
  redis.call('ZADD', HOLDERS, now + ARGV[2], task_id)
  redis.call('ZREM', ENDED, task_id)
  for key in string.gmatch(before, '%S+') do invite(key, 1) end
end
wake_up(ARGV[1])
return before == keys and 'unchanged' or 'set'
