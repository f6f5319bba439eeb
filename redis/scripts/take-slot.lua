--[[
Purpose     Part of acquire-slot and acquire-place: counts the slots of a name and takes a free one. The fence grows
            with every slot taken: it is never below the clock, so it grows even after Redis was emptied.
KEYS        1 the slots (sorted set of holders by deadline in milliseconds), 2 the last fence, under one hash tag
ARGV        1 the holder, 2 how many slots there are, 3 length of the lease in milliseconds, 4 lifetime of the keys in
            milliseconds, longer than any lease
Returns     free_slots: the number of free slots, below 0 after the limit was lowered; take_slot: 'taken', the fence and
            0; next_deadline: the milliseconds until the first deadline, at least 1
Complexity  O(log n) for n holders
]]
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)

local function free_slots()
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  return tonumber(ARGV[2]) - redis.call('ZCARD', KEYS[1])
end

local function take_slot()
  local fence = math.max(tonumber(redis.call('GET', KEYS[2]) or 0) + 1, now_us)
  redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', ARGV[4])
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return { 'taken', fence, 0 }
end

local function next_deadline()
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
  return math.max(1, (first and tonumber(first) or now) - now)
end
