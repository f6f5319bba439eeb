--[[
Purpose     Shows that a rebuild is alive and learns whether it still counts.
KEYS        as in redis/keys.ts; uses 7 (rebuild)
ARGV        1 name of the rebuild, 2 milliseconds of silence after which it counts as abandoned
Returns     'continued', or 'superseded' when it was abandoned or Redis was emptied since it began
Complexity  O(1)
]]
if redis.call('GET', KEYS[7]) ~= ARGV[1] then return 'superseded' end
redis.call('PEXPIRE', KEYS[7], ARGV[2])
return 'continued'
