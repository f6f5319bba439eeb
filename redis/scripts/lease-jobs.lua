--[[
Purpose     Leases waiting jobs: first puts jobs whose lease ran out back into their bands, then takes from the first
            band until it is empty, then from the next; the oldest job of a band first, equal ages by task id.
KEYS        as in redis/keys.ts; uses 1-3 (bands), 4 (leases), 5 (places of leased jobs)
ARGV        1 most jobs to lease, 2 length of the lease in milliseconds, 3 most leases that ran out to take back
Returns     task id and number of the band of each leased job, in the order of the leases, as one flat list
Complexity  O((j + r) log n) for j jobs leased, r taken back and n waiting
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local deadline = now + tonumber(ARGV[2])

for _, task_id in ipairs(redis.call('ZRANGE', KEYS[4], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[3])) do
  return_to_band(task_id)
end

local wanted = tonumber(ARGV[1])
local leased = {}
for band = 1, 3 do
  local taken = redis.call('ZPOPMIN', KEYS[band], wanted)
  for member = 1, #taken, 2 do
    local task_id, score = taken[member], taken[member + 1]
    redis.call('ZADD', KEYS[4], deadline, task_id)
    redis.call('HSET', KEYS[5], task_id, band .. ':' .. score)
    leased[#leased + 1] = task_id
    leased[#leased + 1] = band
  end
  wanted = wanted - #taken / 2
end
return leased
