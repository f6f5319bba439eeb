--[[
Purpose     Takes one of a number of slots until a deadline; slots whose deadline has passed are free again. The fence
            grows with every slot taken: it is never below the clock, so it grows even after Redis was emptied.
KEYS        1 the slots (sorted set of holders by deadline in milliseconds), 2 the last fence, under one hash tag
ARGV        1 the holder, 2 how many slots there are, 3 length of the lease in milliseconds, 4 lifetime of both keys in
            milliseconds, longer than any lease
Returns     'taken', the fence and 0; or 'full', 0 and the milliseconds until the next deadline
Complexity  O(log n) for n holders
]]
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
  return { 'full', 0, math.max(1, (first and tonumber(first) or now) - now) }
end
local fence = math.max(tonumber(redis.call('GET', KEYS[2]) or 0) + 1, now_us)
redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', ARGV[4])
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { 'taken', fence, 0 }
