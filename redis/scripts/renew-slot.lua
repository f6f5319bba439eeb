--[[
Purpose     Extends the deadline of a slot. A slot whose deadline has passed stays lost, because another holder may have
            it.
KEYS        1 the slots (sorted set of holders by deadline in milliseconds)
ARGV        1 the holder, 2 length of the lease in milliseconds from now, 3 lifetime of the key in milliseconds
Returns     'renewed', or 'lost' when the deadline had passed, the slot was given back, or Redis was emptied
Complexity  O(log n) for n holders
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local deadline = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not deadline or tonumber(deadline) <= now then return 'lost' end
redis.call('ZADD', KEYS[1], 'XX', now + tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 'renewed'
