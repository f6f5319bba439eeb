--[[
Purpose     Takes one of a number of slots for the waiter whose turn it is. All who ask stand in one line, and only those
            among the first of it, as many as slots are free, may take one. The line is ordered by when each began to wait,
            later by a handicap: who has none overtakes those who have one, until these have waited for longer than it.
            Who has not asked for some time stands in the line no more, so one that died holds nobody up.
KEYS        1 and 2 as take-slot has them, 3 the line (sorted set of waiters by their turn in milliseconds), 4 until when
            each stands in it (sorted set of the same waiters by milliseconds), all under one hash tag
ARGV        1 to 4 as take-slot has them, 5 the waiter, 6 the milliseconds by which its turn is later than now if it is new
            in the line, below 0 if it has waited before, 7 the milliseconds for which it stands there without asking again
Returns     'taken', the fence and 0; or 'full', 0 and how many stand before it that no free slot is for
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
