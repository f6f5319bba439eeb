--[[
Purpose     Reports that a rebuild is alive and returns whether it is still valid.
KEYS        as in redis/keys.ts; uses rebuild
ARGV        1 name of the rebuild, 2 milliseconds of silence after which it counts as abandoned
Returns     'continued', or 'superseded' when it was abandoned or Redis was emptied since it began
Complexity  O(1)
]]
if redis.call('GET', REBUILD) ~= ARGV[1] then return 'superseded' end
redis.call('PEXPIRE', REBUILD, ARGV[2])
return 'continued'
