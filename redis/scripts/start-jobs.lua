--[[
Purpose     Takes leased jobs out of the index after their claims succeeded. Their slots stay taken, with a deadline.
            Does not change the bands: a job that waits there was added after the lease had ended.
KEYS        as in redis/keys.ts; uses leases, places, holders, slots, starts, ended
ARGV        1 milliseconds until the deadline, then the task ids
Returns     how many of them held a lease
Complexity  O(j log n) for j ids given and n leases
]]
local bucket = math.floor(now / 10000)
local started, started_in = 0, {}
for argument = 2, #ARGV do
  local task_id = ARGV[argument]
  local place = end_lease(task_id)
  if place then
    local band = parse_place(place).band
    started, started_in[band] = started + 1, (started_in[band] or 0) + 1
    redis.call('ZREM', ENDED, task_id) -- of an earlier trace
    if redis.call('HEXISTS', SLOTS, task_id) == 1 then redis.call('ZADD', HOLDERS, now + ARGV[1], task_id) end
  end
end

for band, count in pairs(started_in) do
  if redis.call('HINCRBY', STARTS, band .. ':' .. bucket, count) == count then
    for _, field in ipairs(redis.call('HKEYS', STARTS)) do
      if tonumber(string.match(field, '%d+$')) < bucket - 6 then redis.call('HDEL', STARTS, field) end
    end
  end
end
return started
