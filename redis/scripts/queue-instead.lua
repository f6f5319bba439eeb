--[[
Purpose     Part of lease-jobs: the job that starts instead of the head of a band, because it has the turn under a key
            of both, or because it is an earlier one of the same tenant.
KEYS        as in redis/keys.ts; uses bands, tenants, jobs and what queue-turns uses
Functions   in_turn(head, keys): the job that starts instead, waiting in its band, or nil
Complexity  O(log n) for each key; where a turn is due, up to 100 jobs of a tenant are looked at
]]
local MOST_MOVED, MOST_EARLIER = 20, 100

--- The first of its tenant's jobs with the key in its band: one may have come there without having been parked.
local function first_in_line(key, job)
  local first, last = '[' .. job.tenant .. '|', '(' .. job.tenant .. '|' .. job.created .. '|' .. job.task_id
  for _, member in ipairs(redis.call('ZRANGE', BANDS[job.band], first, last, 'BYLEX', 'LIMIT', 0, MOST_EARLIER)) do
    local created, task_id = string.match(member, '|(%d+)|([^|]+)$')
    local place = redis.call('HGET', JOBS, task_id)
    if place and string.find(' ' .. parse_place(place).keys .. ' ', ' ' .. key .. ' ', 1, true) then
      return { band = job.band, tenant = job.tenant, created = created, task_id = task_id }
    end
  end
  return job
end

local function park_elsewhere(key, job, place, full)
  park_under(full, job.task_id, job)
  moved, moved_from[key] = moved + 1, true
  if job.is_parked then return leave_parked(key, job.task_id, job) end
  leave(job.task_id, place)
  for own in string.gmatch(place.keys, '%S+') do
    if limit_of(own) then invite(own, 1) end
  end
end

local function choose(key, head, candidate)
  for _ = 1, MOST_MOVED do
    local job = candidate(key, head)
    if not job then return nil end
    job = first_in_line(key, job)
    local place = parse_place(place_of(job))
    local _, full = limited_keys(place.keys)
    if not full then
      if job.is_parked then let_in(key, job) end
      return job
    end
    park_elsewhere(key, job, place, full)
  end
end

local function in_turn(head, keys)
  for key in string.gmatch(keys, '%S+') do
    local turns = turns_of(key)
    local job = turns and turns.low and choose(key, head, lowest_below)
    job = job or turns and turns.aged and choose(key, head, longest_below)
    job = job or turns and choose(key, head, earlier_of_tenant)
    if job then
      job.turn = redis.call('ZSCORE', TENANTS[job.band], job.tenant)
      job.is_out_of_order = job.band ~= head.band
      return job
    end
  end
end
