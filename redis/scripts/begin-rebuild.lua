--[[
Purpose     Begins a rebuild: declares the index lost and empties its bands. Leases and slots stay unless a part of them
            is missing, so that no job is leased twice while a dispatcher works on it. Keys of other programs are
            deleted.
KEYS        as in redis/keys.ts; uses all but settings, clock, starts and ended
ARGV        1 name of the rebuild, 2 milliseconds of silence after which it counts as abandoned
Returns     'begun', or 'busy' while another rebuild is running; then nothing is changed
Complexity  O(1); Redis frees the bands in the background
]]
for _, key in ipairs(foreign_keys()) do redis.call('UNLINK', key) end
if not redis.call('SET', REBUILD, ARGV[1], 'NX', 'PX', ARGV[2]) then return 'busy' end
for band = 1, 3 do redis.call('UNLINK', BANDS[band], TENANTS[band], PARKED[band]) end
redis.call('UNLINK', JOBS, QUEUES, LET_IN, TURNS, EPOCH)
if not leases_agree() then redis.call('UNLINK', PLACES, LEASES) end
if not slots_agree() then redis.call('UNLINK', SLOTS, HELD, HOLDERS) end
return 'begun'
