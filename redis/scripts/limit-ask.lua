--[[
Purpose     Part of take-limits: the answer of one limit to a cost, without taking it.
Argument    definition of the limit as ARGV has it, its key, and the key of its block or nil
Returns     what is used now, the microseconds until nothing counts, the microseconds to wait or 0, and whether the
            limit is blocked already
Complexity  O(1) for a limit with a level, O(log n) for a log of n entries
]]
local ROUNDING = 1e-6
local definitions = {}

local function definition_of(word)
  local known = definitions[word]
  if known then return known end
  local kind, cost, burst, span, block = string.match(word, '^(%a+) (%S+) (%S+) (%S+) (%S+)$')
  known = { log = kind == 'log', cost = tonumber(cost), burst = tonumber(burst), span = tonumber(span) }
  known.block_ms = tonumber(block)
  definitions[word] = known
  return known
end

local function ask_limit(limit, key, block, now)
  if block then
    local blocked_us = redis.call('PTTL', block) * 1000
    if blocked_us > 0 then return limit.burst, blocked_us, blocked_us, true end
  end
  if limit.log then
    local used, newest = count_entries(key, limit.span, now)
    local excess = used + limit.cost - limit.burst
    local wait = excess > 0 and entry_ends(key, excess - 1, limit.span, now) or 0
    return used, used > 0 and newest + limit.span - now or 0, wait, false
  end
  local used = read_level(key, limit.span, now)
  local excess = used + limit.cost - limit.burst
  return used, math.ceil(used * limit.span), excess > ROUNDING and math.ceil(excess * limit.span) or 0, false
end
