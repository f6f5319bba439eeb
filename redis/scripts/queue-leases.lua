--[[
Purpose     Part of many queue scripts: how leases end.
KEYS        as in redis/keys.ts; uses jobs, leases, places and what queue-slots uses
Functions   end_lease(task_id): the place of its job, nil when it held no lease; return_to_band(task_id): ends the
            lease, frees its slots, and lets the job wait where it waited; true when it held a lease
Complexity  O(log n) for each task
]]
local function end_lease(task_id)
  local place = redis.call('HGET', PLACES, task_id)
  redis.call('ZREM', LEASES, task_id)
  redis.call('HDEL', PLACES, task_id)
  return place or nil
end

local function return_to_band(task_id)
  local place = end_lease(task_id)
  if not place then return false end
  local job = parse_place(place)
  free_unstarted(task_id)
  redis.call('HSET', JOBS, task_id, bare_place(job))
  wait_in_band(task_id, job)
  return true
end
