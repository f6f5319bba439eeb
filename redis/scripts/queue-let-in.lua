--[[
Purpose     Part of many queue scripts: lets parked jobs into their band. Such a job is marked until it leaves the band.
KEYS        as in redis/keys.ts; uses bands, tenants, jobs, clock and what queue-parked uses
Functions   first_parked(key, band): the next parked job; first_of_tenant(key, band, tenant): the same for one tenant;
            let_in(key, job): the parked job waits in its band; leave(task_id, job): a job leaves its band, true when it
            waited there
Complexity  O(log n) of the jobs for each call
]]
local function first_of_tenant(key, band, tenant)
  local created, task_id = string.match(first_with(PARKED[band], key .. '|' .. tenant) or '', '|(%d+)|([^|]+)$')
  return task_id and { band = band, tenant = tenant, created = created, task_id = task_id, is_parked = true }
end

local function first_parked(key, band)
  local waiter = first_with(QUEUES, key .. '|' .. band)
  if not waiter then return nil end
  local tenant = string.match(waiter, '[^|]*$')
  local job = first_of_tenant(key, band, tenant)
  if job then return job end
  redis.call('ZREM', QUEUES, waiter) -- somebody has deleted a part of the index
  leave_queue(key, band, tenant)
  return first_parked(key, band)
end

--- Puts its tenant at the end of its turn; a job that was let in already has cost it one.
local function use_turn(key, job)
  local queue = key .. '|' .. job.band
  local field = queue .. '|' .. job.tenant
  local turn = redis.call('HGET', TURNS, field) or turn_text(0)
  local later = turn_text(turn + 1 / weight_of(job.tenant))
  redis.call('HSET', TURNS, queue, turn_text(math.max(turn, virtual_time_under(key, job.band))), field, later)
  redis.call('ZREM', QUEUES, queue .. '|' .. turn .. '|' .. job.tenant)
  redis.call('ZADD', QUEUES, 0, queue .. '|' .. later .. '|' .. job.tenant)
end

local function let_in(key, job)
  use_turn(key, job)
  redis.call('ZADD', LET_IN, 0, table.concat({ key, job.band, job.tenant, job.created, job.task_id }, '|'))
  redis.call('HSET', JOBS, job.task_id, bare_place(parse_place(place_of(job))) .. '|' .. key)
  wait_in_band(job.task_id, job)
  leave_parked(key, job.task_id, job)
end

local function leave(task_id, job)
  local key = job.let_in_by
  if key ~= '' then
    redis.call('ZREM', LET_IN, table.concat({ key, job.band, job.tenant, job.created, task_id }, '|'))
    forget_unused(key)
  end
  return leave_band(task_id, job)
end
