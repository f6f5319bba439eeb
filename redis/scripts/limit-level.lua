--[[
Purpose     Part of take-limits and adjust-limits: reads and writes the level of an evenly spread limit. A level falls
            by one unit in each `unit` microseconds, and not at all after the clock went back.
KEYS        one string of two doubles: the level, and the time in microseconds at which it was valid
Complexity  O(1)
]]
local function read_level(key, unit, now)
  local stored = redis.call('GET', key)
  if not stored then return 0 end
  local level, at = struct.unpack('<dd', stored)
  if now <= at then return level end
  level = level - (now - at) / unit
  return level > 0 and level or 0
end

local function write_level(key, level, unit, now)
  if level <= 0 then return redis.call('DEL', key) end
  redis.call('SET', key, struct.pack('<dd', level, now), 'PX', math.ceil(level * unit / 1000) + 1000)
end
