--[[
Purpose     Applies settings, all at once.
KEYS        as in redis/keys.ts; uses settings
ARGV        fields and values of the hash of settings in turn; the first value is the version
Returns     'applied', or 'unchanged' when the same version already applies
Complexity  O(s) for s fields given or stored
]]
if redis.call('HGET', SETTINGS, 'version') == ARGV[2] then return 'unchanged' end
redis.call('DEL', SETTINGS)
for first = 1, #ARGV, 2 do redis.call('HSET', SETTINGS, ARGV[first], ARGV[first + 1]) end
return 'applied'
