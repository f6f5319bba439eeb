--[[
Purpose     Part of lease-jobs: which job is next. Of twenty leases, the last goes to the lowest band that waits, the
            fifth and the fifteenth to the band whose next job has waited longest, if longer than the ageing time; all
            others go to the highest band. Within a band the tenant with the least virtual time is next, with its oldest
            job.
KEYS        as in redis/keys.ts; uses bands, tenants, settings
Functions   next_head(count): the job for the count-th lease, with its turn; false or nil when none waits; pass_over(head): its tenant is not asked again in this call
Complexity  O(log n) for each band that has changed
]]
local ageing = tonumber(redis.call('HGET', SETTINGS, 'ageing_ms') or 60000)
local passed_over = { 0, 0, 0 } -- tenants at the front of each band that are not asked again

local function look_into(band)
  if is_paused(band) then return false end
  local front = passed_over[band]
  local tenant, turn = unpack(redis.call('ZRANGE', TENANTS[band], front, front, 'WITHSCORES'))
  if not tenant then return false end
  local created, task_id = string.match(first_members(band, tenant, 1)[1], '|(%d+)|([^|]+)$')
  return { band = band, tenant = tenant, turn = tonumber(turn), created = created, task_id = task_id }
end

local function head_of(band)
  if heads[band] == nil then heads[band] = look_into(band) end
  return heads[band]
end

local function pass_over(head)
  if not redis.call('ZSCORE', TENANTS[head.band], head.tenant) then return end
  passed_over[head.band] = passed_over[head.band] + 1
  heads[head.band] = nil
end

local function longest_waiting()
  local longest, oldest = nil, now - ageing
  for band = 1, 3 do
    local head = head_of(band)
    if head and tonumber(head.created) < oldest then longest, oldest = band, tonumber(head.created) end
  end
  return longest
end

local function next_head(count)
  local lowest, highest
  for band = 1, 3 do
    if head_of(band) then lowest, highest = band, highest or band end
  end
  if count % 20 == 0 then return lowest and head_of(lowest) end
  local band = count % 10 == 5 and longest_waiting() or highest
  return band and head_of(band)
end
