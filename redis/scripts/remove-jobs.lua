--[[
Purpose     Takes jobs out of the index wherever they are, waiting, parked or leased. A waiting job may have been
            invited because a slot is free: the next one of each of its keys replaces it.
KEYS        as in redis/keys.ts; uses what queue-leases uses
ARGV        1 the wake-up channel, then the task ids
Returns     how many of them were in the index
Complexity  O(j log n) for j ids given and n jobs
]]
local function remove(task_id)
  if end_lease(task_id) then
    free_unstarted(task_id)
    return 1
  end
  local place = redis.call('HGET', JOBS, task_id)
  if not place then return 0 end
  redis.call('HDEL', JOBS, task_id)
  local job = parse_place(place)
  leave(task_id, job)
  for key in string.gmatch(job.keys, '%S+') do
    leave_parked(key, task_id, job)
    if limit_of(key) then invite(key, 1) end
  end
  return 1
end

local removed = 0
for argument = 2, #ARGV do removed = removed + remove(ARGV[argument]) end
wake_up(ARGV[1])
return removed
