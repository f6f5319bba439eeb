--[[
Purpose     Puts jobs into their bands. A job that waits or is leased already stays as it is, whatever its band. Never
            sets the epoch: adding to a lost index must not make it look complete.
KEYS        as in redis/keys.ts; uses bands, tenants, jobs, places, settings, clock
ARGV        1 the wake-up channel; then for each job: task id, place
Returns     for each job, in order: 'queued' or 'duplicate'
Complexity  O(j log n) for j jobs given and n waiting
]]
local answers = {}
local queued = false
for first = 2, #ARGV, 2 do
  local task_id, place = ARGV[first], ARGV[first + 1]
  if redis.call('HEXISTS', PLACES, task_id) == 1 or redis.call('HSETNX', JOBS, task_id, place) == 0 then
    answers[#answers + 1] = 'duplicate'
  else
    wait_in_band(task_id, parse_place(place))
    answers[#answers + 1] = 'queued'
    queued = true
  end
end
if queued then redis.call('PUBLISH', ARGV[1], '') end
return answers
