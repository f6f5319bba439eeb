--[[
Purpose     Part of take-limits: reads the limits of one call from KEYS and ARGV, asks them, and charges or blocks them.
            `key` and `word` are the places from which the next is read; the tables hold what the present call's limits
            said, by their place in the call.
KEYS, ARGV  as in take-limits
Returns     read_limits: how many limits the call has, and whether one of them refuses it
Complexity  O(1) for each limit with a level, O(log n + cost) for a log of n entries
]]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local key, word = 1, 2
local limits, keys, blocks, used, reset, wait, blocked = {}, {}, {}, {}, {}, {}, {}
local MODES = { look = true, take = true, mark = true }

local function charge(place)
  local limit = limits[place]
  used[place] = used[place] + limit.cost
  if limit.log then
    add_entries(keys[place], limit.cost, limit.span, now, ARGV[1] .. ':' .. word .. ':' .. place)
    if limit.cost > 0 then reset[place] = limit.span end
  else
    write_level(keys[place], used[place], limit.span, now)
    reset[place] = math.ceil(used[place] * limit.span)
  end
end

local function block(place)
  local limit = limits[place]
  if limit.block_ms == 0 or wait[place] == 0 or blocked[place] then return end
  redis.call('SET', blocks[place], 1, 'PX', limit.block_ms)
  used[place], wait[place], reset[place] = limit.burst, limit.block_ms * 1000, limit.block_ms * 1000
end

local function read_limits()
  local count, denied = 0, false
  while ARGV[word] and not MODES[ARGV[word]] do
    local place, limit, block_key = count + 1, definition_of(ARGV[word]), nil
    if limit.block_ms > 0 then block_key = KEYS[key + 1] end
    limits[place], keys[place], blocks[place] = limit, KEYS[key], block_key
    used[place], reset[place], wait[place], blocked[place] = ask_limit(limit, KEYS[key], block_key, now)
    count, word, key = place, word + 1, key + (block_key and 2 or 1)
    denied = denied or wait[place] > 0
  end
  return count, denied
end
