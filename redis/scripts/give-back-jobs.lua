--[[
Purpose     Gives leased jobs back unused: at once to the place where they waited, as if they had not been leased, or
            after a delay, during which no dispatcher has them and they hold no slots.
KEYS        as in redis/keys.ts; uses tenants, clock and what queue-leases uses
ARGV        1 the wake-up channel, 2 the delay in milliseconds, then the task ids in the order of their leases
Returns     how many of them held a lease
Complexity  O(j log n) for j ids given and n jobs
]]
local delay = tonumber(ARGV[2])

--- Undoes the last lease that is not undone: its tenant's turn, the time of its band, its number among all leases.
local function undo(task_id)
  local place = redis.call('HGET', PLACES, task_id)
  if not place then return false end
  local job, turn = parse_place(place), tonumber(string.match(place, '[^|]*$'))
  local later = redis.call('ZSCORE', TENANTS[job.band], job.tenant)
  return_to_band(task_id)
  redis.call('HINCRBY', CLOCK, 'leases', -1)
  if not turn then return true end
  redis.call('ZADD', TENANTS[job.band], later and later - 1 / weight_of(job.tenant) or turn, job.tenant)
  virtual_times[job.band] = math.min(virtual_time_of(job.band), turn)
  redis.call('HSET', CLOCK, 'time:' .. job.band, virtual_times[job.band])
  return true
end

local function give_back(task_id)
  if delay == 0 then return undo(task_id) end
  if redis.call('HEXISTS', PLACES, task_id) == 0 then return false end
  redis.call('ZADD', LEASES, now + delay, task_id)
  free_unstarted(task_id)
  return true
end

local given_back = 0
for argument = #ARGV, 3, -1 do
  if give_back(ARGV[argument]) then given_back = given_back + 1 end
end
if given_back > 0 and (delay == 0 or invited > 0) then redis.call('PUBLISH', ARGV[1], '') end
return given_back
