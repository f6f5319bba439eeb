--[[
Purpose     Part of lease-jobs: which of the jobs that wait for a key, parked or let in, could start instead of a head
            that would take a slot of it.
KEYS        as in redis/keys.ts; uses parked, let_in and what queue-parked uses
Functions   lowest_under(key); longest_under(key): the next job of the lowest band, and of the band whose next job has
            waited longest, if longer than the ageing time; lowest_below(key, head), longest_below(key, head): the same,
            if of a lower band than the head; earlier_of_tenant(key, head)
Complexity  O(log n) for each band
]]
local function next_under(key, band)
  if is_paused(band) then return nil end
  local tenant, created, task_id = string.match(first_with(LET_IN, key .. '|' .. band) or '', '|([^|]*)|(%d+)|([^|]+)$')
  if not task_id then return first_parked(key, band) end
  local parked = first_of_tenant(key, band, tenant)
  if parked and parked.created .. parked.task_id < created .. task_id then return parked end
  return { band = band, tenant = tenant, created = created, task_id = task_id }
end

local function lowest_under(key)
  return next_under(key, 3) or next_under(key, 2) or next_under(key, 1)
end

local function longest_under(key)
  local longest, oldest = nil, now - ageing
  for band = 1, 3 do
    local job = next_under(key, band)
    if job and tonumber(job.created) < oldest then longest, oldest = job, tonumber(job.created) end
  end
  return longest
end

local function lowest_below(key, head)
  local job = lowest_under(key)
  return job and job.band > head.band and job
end

local function longest_below(key, head)
  local job = longest_under(key)
  return job and job.band > head.band and job
end

--- Jobs that came behind it may not have been parked yet, and are met first.
local function earlier_of_tenant(key, head)
  local job = first_of_tenant(key, head.band, head.tenant)
  return job and job.created .. job.task_id < head.created .. head.task_id and job
end
