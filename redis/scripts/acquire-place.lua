--[[
Purpose     Takes one of a number of slots for the waiter whose turn it is. All waiters form one line, and only its
            first ones, as many as slots are free, may take one. The line is ordered by when each began to wait plus its
            handicap, so waiters without a handicap overtake others until these have waited for longer than theirs. A
            waiter that has not asked for some time leaves the line, so that a dead one blocks nobody.
KEYS        1 and 2 as take-slot has them, 3 the line (sorted set of waiters by their turn in milliseconds), 4 the
            deadline of each waiter (sorted set of the same waiters by milliseconds), all under one hash tag
ARGV        1 to 4 as take-slot has them, 5 the waiter, 6 the delay of its turn in milliseconds if it is new in the
            line, below 0 if it has waited before, 7 the milliseconds for which it keeps its place without asking again
Returns     'taken', the fence and 0; or 'full', 0 and how many waiters before it find no free slot
Complexity  O(log n) for n holders and waiters, and as much for each waiter that is dropped, which happens to each once
]]
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now)) do
  redis.call('ZREM', KEYS[3], gone)
  redis.call('ZREM', KEYS[4], gone)
end
redis.call('ZADD', KEYS[3], 'NX', now_us / 1000 + tonumber(ARGV[6]), ARGV[5])
local before = redis.call('ZRANK', KEYS[3], ARGV[5])
local free = math.max(0, free_slots())
if before < free then
  redis.call('ZREM', KEYS[3], ARGV[5])
  redis.call('ZREM', KEYS[4], ARGV[5])
  return take_slot()
end
redis.call('ZADD', KEYS[4], now + tonumber(ARGV[7]), ARGV[5])
redis.call('PEXPIRE', KEYS[3], ARGV[4])
redis.call('PEXPIRE', KEYS[4], ARGV[4])
return { 'full', 0, before - free }
