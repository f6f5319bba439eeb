--[[
Purpose     Lets parked jobs whose key has room wait again, for some of the keys in the order of their text.
KEYS        as in redis/keys.ts; uses what queue-slots uses
ARGV        1 the wake-up channel, 2 the key after which to continue, '!' for the start, 3 most keys and jobs to look at
Returns     the key after which to continue, '' after the last one
Complexity  O(j log n) for j keys and jobs looked at and n parked
]]
local most = tonumber(ARGV[3])

local function next_key(after)
  local key
  for band = 1, 3 do
    local member = redis.call('ZRANGE', PARKED[band], '(' .. after .. '}', '+', 'BYLEX', 'LIMIT', 0, 1)[1]
    local found = member and string.match(member, '^[^|]+')
    if found and (not key or found .. '|' < key .. '|') then key = found end
  end
  return key
end

local looked_at, after = 0, ARGV[2]
while looked_at + invited < most do
  local key = next_key(after)
  if not key then
    after = ''
    break
  end
  local allowed, before = most - looked_at - invited, invited
  invite(key, allowed)
  looked_at = looked_at + 1
  if invited - before < allowed then after = key end
end
wake_up(ARGV[1])
return after
