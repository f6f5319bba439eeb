--[[
Purpose     Allows something once in a period, which the first call starts.
KEYS        1 the cooldown or the idempotency key
ARGV        1 the time in milliseconds
Returns     'first' and that time; or 'repeated' and the remaining milliseconds
Complexity  O(1)
]]
if redis.call('SET', KEYS[1], 1, 'NX', 'PX', ARGV[1]) then return { 'first', tonumber(ARGV[1]) } end
return { 'repeated', math.max(1, redis.call('PTTL', KEYS[1])) }
