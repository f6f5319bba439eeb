--[[
Purpose     Puts jobs into their bands. A job that waits or is leased already stays as it is, whatever its band. Never
            sets the epoch: adding to an index that is gone must not make it look whole.
KEYS        as in redis/keys.ts; uses 1-3 (bands), 4 (leases)
ARGV        1 the wake-up channel; then for each job: number of its band (1 is the first), creation time in
            milliseconds, task id
Returns     for each job, in order: 'queued' or 'duplicate'
Complexity  O(j log n) for j jobs given and n waiting
]]
local function is_known(task_id)
  for key = 1, 4 do
    if redis.call('ZSCORE', KEYS[key], task_id) then return true end
  end
  return false
end

local answers = {}
local queued = false
for first = 2, #ARGV, 3 do
  local band, created_at, task_id = tonumber(ARGV[first]), ARGV[first + 1], ARGV[first + 2]
  if is_known(task_id) then
    answers[#answers + 1] = 'duplicate'
  else
    redis.call('ZADD', KEYS[band], created_at, task_id)
    answers[#answers + 1] = 'queued'
    queued = true
  end
end
if queued then redis.call('PUBLISH', ARGV[1], '') end
return answers
