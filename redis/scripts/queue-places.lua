--[[
Purpose     Part of many queue scripts: where jobs wait. A tenant is in the set of a band's tenants as long as one of
            its jobs waits there. It enters one turn behind the tenant that was served last, so that waiting elsewhere
            gains nothing.
KEYS        as in redis/keys.ts; uses bands, tenants, jobs, clock
Functions   parse_place(place); bare_place(job); place_of(job): its stored place; wait_in_band(task_id, job);
            leave_band(task_id, job): true when it waited there
Complexity  O(log n) of the jobs in the band for each job
]]
local heads = {} -- the first job that lease-jobs found in each band, until the band changes
local virtual_times = {} -- of each band that was read; lease-jobs advances them
local entered = { {}, {}, {} } -- tenants that are certainly in the set of each band

local function parse_place(place)
  local band, tenant, created, keys, let_in_by = string.match(place, '^(%d)|([^|]*)|(%d+)|([^|]*)|?(.*)$')
  return { band = tonumber(band), tenant = tenant, created = created, keys = keys, let_in_by = let_in_by }
end

--- Without the key that let it in.
local function bare_place(job)
  return table.concat({ job.band, job.tenant, job.created, job.keys }, '|')
end

--- Without keys where somebody has deleted a part of the index.
local function place_of(job)
  return redis.call('HGET', JOBS, job.task_id) or job.band .. '|' .. job.tenant .. '|' .. job.created .. '|'
end

local function virtual_time_of(band)
  virtual_times[band] = virtual_times[band] or tonumber(redis.call('HGET', CLOCK, 'time:' .. band) or 0)
  return virtual_times[band]
end

local function member_of(task_id, job)
  return job.tenant .. '|' .. job.created .. '|' .. task_id
end

local function wait_in_band(task_id, job)
  redis.call('ZADD', BANDS[job.band], 0, member_of(task_id, job))
  heads[job.band] = nil
  if entered[job.band][job.tenant] then return end
  redis.call('ZADD', TENANTS[job.band], 'NX', virtual_time_of(job.band) + 1 / weight_of(job.tenant), job.tenant)
  entered[job.band][job.tenant] = true
end

--- The first jobs of a tenant in a band, oldest first.
local function first_members(band, tenant, most)
  return redis.call('ZRANGE', BANDS[band], '[' .. tenant .. '|', '(' .. tenant .. '}', 'BYLEX', 'LIMIT', 0, most)
end

local function leave_band(task_id, job)
  if redis.call('ZREM', BANDS[job.band], member_of(task_id, job)) == 0 then return false end
  heads[job.band] = nil
  if first_members(job.band, job.tenant, 1)[1] then return true end
  redis.call('ZREM', TENANTS[job.band], job.tenant)
  entered[job.band][job.tenant] = nil
  return true
end
