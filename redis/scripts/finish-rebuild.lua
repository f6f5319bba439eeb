--[[
Purpose     Declares the index complete, under the name of the rebuild that completed it.
KEYS        as in redis/keys.ts; uses epoch, rebuild
ARGV        1 name of the rebuild
Returns     'finished', or 'superseded' when it was abandoned or Redis was emptied since it began; then nothing is
            changed
Complexity  O(1)
]]
if redis.call('GET', REBUILD) ~= ARGV[1] then return 'superseded' end
redis.call('SET', EPOCH, ARGV[1])
redis.call('DEL', REBUILD)
return 'finished'
