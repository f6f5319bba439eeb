--[[
Purpose     Part of give-back-jobs and lease-jobs: ends the lease of one task and puts its job back where it waited.
KEYS        as in redis/keys.ts; uses 1-3 (bands), 4 (leases), 5 (places of leased jobs)
Argument    task_id
Returns     true when the job waits again, false when the task held no lease
Complexity  O(log n) of the jobs in the band
]]
local function return_to_band(task_id)
  local place = redis.call('HGET', KEYS[5], task_id)
  redis.call('ZREM', KEYS[4], task_id)
  redis.call('HDEL', KEYS[5], task_id)
  if not place then return false end
  local band, score = string.match(place, '^(%d):(.+)$')
  redis.call('ZADD', KEYS[tonumber(band)], 'NX', score, task_id)
  return true
end
