--[[
Purpose     Lets something happen once in a time: the first call starts the time.
KEYS        1 the cooldown or the idempotency key
ARGV        1 the time in milliseconds
Returns     'first' and that time; or 'repeated' and the milliseconds that are left of it
Complexity  O(1)
]]
if redis.call('SET', KEYS[1], 1, 'NX', 'PX', ARGV[1]) then return { 'first', tonumber(ARGV[1]) } end
return { 'repeated', math.max(1, redis.call('PTTL', KEYS[1])) }
