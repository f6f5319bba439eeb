--[[
Purpose     Begins a rebuild: declares the index gone and empties its bands. Leases stay, so that no job is handed out
            twice while its lessee works on it.
KEYS        as in redis/keys.ts; uses 1-3 (bands), 6 (epoch), 7 (rebuild)
ARGV        1 name of the rebuild, 2 milliseconds of silence after which it counts as abandoned
Returns     'begun', or 'busy' while another rebuild is under way; then nothing is changed
Complexity  O(1); Redis frees the bands in the background
]]
if not redis.call('SET', KEYS[7], ARGV[1], 'NX', 'PX', ARGV[2]) then return 'busy' end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[6])
return 'begun'
