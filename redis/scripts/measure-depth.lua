--[[
Purpose     Counts the index at one instant. An index counts as lost when a part of it is missing or belongs to another
            program.
KEYS        as in redis/keys.ts; uses bands, tenants, parked, jobs, settings, epoch and what queue-parts uses
ARGV        none
Returns     jobs that wait in each of the three bands, how many of them are parked, leases, 1 when the index is complete
            or 0 when it is lost, the version of the settings or nil
Complexity  O(1)
]]
if foreign_keys()[1] then return { 0, 0, 0, 0, 0, 0, false } end
local is_whole = redis.call('EXISTS', EPOCH) == 1
local waiting, parked, all = {}, 0, 0
for band = 1, 3 do
  local free, kept = redis.call('ZCARD', BANDS[band]), redis.call('ZCARD', PARKED[band])
  waiting[band], parked, all = free + kept, parked + kept, all + free + kept
  is_whole = is_whole and (free > 0) == (redis.call('EXISTS', TENANTS[band]) == 1)
end
is_whole = is_whole and redis.call('HLEN', JOBS) == all and parked_agree(parked) and leases_agree() and slots_agree()
local leased, version = redis.call('ZCARD', LEASES), redis.call('HGET', SETTINGS, 'version')
return { waiting[1], waiting[2], waiting[3], parked, leased, is_whole and 1 or 0, version }
