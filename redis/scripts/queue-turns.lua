--[[
Purpose     Part of lease-jobs: the turns under a key for which jobs wait. Out of twenty starts under it the last goes
            to the lowest of their bands, the fifth and the fifteenth to the band whose next job has waited longest. A
            turn that no job could use, because other keys were full, stays due.
KEYS        as in redis/keys.ts; uses turns and what queue-next uses
Functions   turns_of(key): what is due; count_turns(keys, job): the job starts; moved, moved_from: jobs that had the
            turn but were parked under another full key, and the keys they left
Complexity  O(log n) for each key
]]
local moved, moved_from = 0, {}

--- Nil where nobody waits: then bands and tenants take turns as everywhere.
local function turns_of(key)
  if unclaimed[key] then return nil end
  local count, low, aged = string.match(redis.call('HGET', TURNS, key) or '', '^(%d+)|(%d)|(%d)$')
  unclaimed[key] = not count
  if not count then return nil end
  local number = (count + 1) % 20
  local turns = { number = number, low_stays = low == '1', aged_stays = aged == '1' }
  turns.low, turns.aged = turns.low_stays or number == 0, turns.aged_stays or number == 5 or number == 15
  return turns
end

local function low_stays_due(key, turns, job)
  local lowest = lowest_under(key)
  if job.band > 1 and (not lowest or lowest.band <= job.band) then return false end
  return turns.low_stays or moved_from[key] or lowest and lowest.band > job.band
end

local function aged_stays_due(key, turns, job)
  local longest = longest_under(key)
  if tonumber(job.created) < now - ageing and (not longest or longest.created >= job.created) then return false end
  return turns.aged_stays or moved_from[key] or longest
end

local function count_turns(keys, job)
  for key in string.gmatch(keys, '%S+') do
    local turns = turns_of(key)
    if turns then
      local low = turns.low and low_stays_due(key, turns, job) and '|1' or '|0'
      local aged = turns.aged and aged_stays_due(key, turns, job) and '|1' or '|0'
      redis.call('HSET', TURNS, key, turns.number .. low .. aged)
    end
  end
end
