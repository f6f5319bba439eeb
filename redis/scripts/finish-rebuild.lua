--[[
Purpose     Declares the index whole, under the name of the rebuild that made it so.
KEYS        as in redis/keys.ts; uses 6 (epoch), 7 (rebuild)
ARGV        1 name of the rebuild
Returns     'finished', or 'superseded' when it was abandoned or Redis was emptied since it began; then nothing is
            changed
Complexity  O(1)
]]
if redis.call('GET', KEYS[7]) ~= ARGV[1] then return 'superseded' end
redis.call('SET', KEYS[6], ARGV[1])
redis.call('DEL', KEYS[7])
return 'finished'
