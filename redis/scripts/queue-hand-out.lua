--[[
Purpose     Part of lease-jobs: leases jobs. Their slots are counted at once, and the jobs are moved together.
KEYS        as in redis/keys.ts; uses bands, tenants, jobs, leases, places, clock and what queue-turns uses
Functions   lease(head, job, limited): leases a job that waits in its band, which takes slots of its limited keys;
            keep(deadline): stores the leases
Complexity  O(log n) for each job
]]
local leased, places, ids = {}, {}, {}

local function append(list, first, second)
  list[#list + 1], list[#list + 2] = first, second
end

local function lease(head, job, limited)
  leave(head.task_id, job)
  redis.call('ZADD', TENANTS[head.band], 'XX', head.turn + 1 / weight_of(head.tenant), head.tenant)
  if not head.is_out_of_order then virtual_times[head.band] = math.max(head.turn, virtual_time_of(head.band)) end
  if limited ~= '' and redis.call('HEXISTS', SLOTS, head.task_id) == 0 then set_slots(head.task_id, limited) end
  count_turns(limited, head)
  ids[#ids + 1] = head.task_id
  append(leased, head.task_id, head.band)
  append(places, head.task_id, bare_place(job) .. '|' .. (head.turn or ''))
end

local function keep(deadline)
  local deadlines = {}
  for _, task_id in ipairs(ids) do append(deadlines, deadline, task_id) end
  redis.call('HDEL', JOBS, unpack(ids))
  redis.call('HSET', PLACES, unpack(places))
  redis.call('ZADD', LEASES, unpack(deadlines))
  for band, virtual_time in pairs(virtual_times) do redis.call('HSET', CLOCK, 'time:' .. band, virtual_time) end
end
