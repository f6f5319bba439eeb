--[[
Purpose     The queue at one instant, for operators.
KEYS        as in redis/keys.ts; uses bands, tenants, parked, jobs, leases, held, elsewhere, settings, starts,
            epoch, rebuild
ARGV        1 most tenants in each band, and most keys in each band, to look at
Returns     seven lists: leases, 1 when the index is complete or 0, 1 while a rebuild is running or 0, milliseconds, and
            for each band jobs that may start and parked ones; band, tenant, jobs and oldest creation time of each
            tenant in each band; key and parked jobs in each band; keys and slots held here; keys and slots held
            elsewhere; fields and numbers of starts; the settings as text
Complexity  O((t + k) log n + h) for t tenants, k keys, n jobs and h keys of which slots are held
]]
local most = tonumber(ARGV[1])
local counts = { redis.call('ZCARD', LEASES), redis.call('EXISTS', EPOCH), redis.call('EXISTS', REBUILD), now }
local tenants, parked = {}, {}

local function append(list, ...)
  for _, value in ipairs({ ... }) do list[#list + 1] = value end
end

for band = 1, 3 do
  append(counts, redis.call('ZCARD', BANDS[band]), redis.call('ZCARD', PARKED[band]))
  for _, tenant in ipairs(redis.call('ZRANGE', TENANTS[band], 0, most - 1)) do
    local first, last = '[' .. tenant .. '|', '(' .. tenant .. '}'
    local oldest = redis.call('ZRANGE', BANDS[band], first, last, 'BYLEX', 'LIMIT', 0, 1)[1]
    local created = oldest and string.match(oldest, '|(%d+)|')
    append(tenants, band, tenant, redis.call('ZLEXCOUNT', BANDS[band], first, last), created or now)
  end
  local after = '-'
  for _ = 1, most do
    local member = redis.call('ZRANGE', PARKED[band], after, '+', 'BYLEX', 'LIMIT', 0, 1)[1]
    if not member then break end
    local key = string.match(member, '^[^|]+')
    after = '(' .. key .. '}'
    append(parked, key, redis.call('ZLEXCOUNT', PARKED[band], '[' .. key .. '|', after))
  end
end
local settings = { redis.call('HGET', SETTINGS, 'text') or '' }
local held, elsewhere = redis.call('HGETALL', HELD), redis.call('HGETALL', ELSEWHERE)
return { counts, tenants, parked, held, elsewhere, redis.call('HGETALL', STARTS), settings }
