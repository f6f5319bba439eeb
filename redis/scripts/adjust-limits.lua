--[[
Purpose     Corrects what was taken: refunds it, or replaces the estimated tokens of a reservation by the real number.
KEYS        1 the mark of the reservation; then the state of each limit, all under one hash tag
ARGV        1 'refund' or 'settle', 2 a name that is unique to this script call, 3 the real tokens, 4 the lifetime of the
            mark in milliseconds; then for each limit 'level' or 'log', what was taken, and the microseconds of a unit or
            of the window
Returns     'refunded'; or 'settled', 'repeated' when it was settled before, 'unknown' when there is no such reservation
Complexity  O(1) for each limit with a level, O(log n + change) for a log of n entries
]]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local mode, name, real, lifetime = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function change_by(place, log, difference, span)
  local key = KEYS[place + 1]
  if not log then return write_level(key, read_level(key, span, now) + difference, span, now) end
  count_entries(key, span, now)
  if difference < 0 then return redis.call('ZPOPMAX', key, -difference) end
  add_entries(key, difference, span, now, name .. ':' .. place)
end

local reserved = redis.call('GET', KEYS[1])
if mode == 'settle' then
  if not reserved then return 'unknown' end
  if reserved == 'settled' then return 'repeated' end
  redis.call('SET', KEYS[1], 'settled', 'PX', lifetime)
else
  redis.call('DEL', KEYS[1])
end
for place = 1, #KEYS - 1 do
  local first = 3 * place + 2
  local difference = mode == 'settle' and tonumber(real) - tonumber(reserved) or -tonumber(ARGV[first + 1])
  change_by(place, ARGV[first] == 'log', difference, tonumber(ARGV[first + 2]))
end
return mode == 'settle' and 'settled' or 'refunded'
