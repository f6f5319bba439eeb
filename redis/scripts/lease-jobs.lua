--[[
Purpose     Leases waiting jobs in their order, and parks those whose concurrency key is full. First takes back leases
            and slots that ran out. A tenant whose jobs cannot start holds up the others of its band only so long.
KEYS        as in redis/keys.ts; uses all but starts, ended, epoch and rebuild
ARGV        1 the wake-up channel, 2 most jobs to lease, 3 length of the lease in milliseconds, 4 most leases, and most
            holders, to take back
Returns     task id and number of the band of each leased job, in the order of the leases, as one flat list
Complexity  O((j + p + r) log n) for j jobs leased, p parked (at most 3 j + 200), r taken back and n waiting
]]
local wanted, deadline = tonumber(ARGV[2]), now + tonumber(ARGV[3])
local leases = tonumber(redis.call('HGET', CLOCK, 'leases') or 0)
local leased, places, deadlines, ids = {}, {}, {}, {}
local parked, parked_of, is_cut_short = 0, {}, false
local due = { '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[4] }

local function park(head, job, full)
  redis.call('ZADD', PARKED[head.band], 0, full .. '|' .. head.created .. '|' .. head.task_id)
  for key in string.gmatch(job.keys, '%S+') do
    if limit_of(key) then invite(key, 1) end
  end
  parked, parked_of[head.tenant] = parked + 1, (parked_of[head.tenant] or 0) + 1
  local is_too_many = parked_of[head.tenant] > wanted + 50
  if is_too_many then pass_over(head) end
  is_cut_short = is_cut_short or is_too_many or parked >= 3 * wanted + 200
end

local function lease(head, place, limited)
  redis.call('ZADD', TENANTS[head.band], 'XX', head.turn + 1 / weight_of(head.tenant), head.tenant)
  virtual_times[head.band] = math.max(head.turn, virtual_time_of(head.band))
  if limited ~= '' and redis.call('HEXISTS', SLOTS, head.task_id) == 0 then set_slots(head.task_id, limited) end
  ids[#ids + 1] = head.task_id
  local first, second = 2 * #ids - 1, 2 * #ids
  leased[first], leased[second] = head.task_id, head.band
  places[first], places[second] = head.task_id, place
  deadlines[first], deadlines[second] = deadline, head.task_id
end

local function keep()
  redis.call('HDEL', JOBS, unpack(ids))
  redis.call('HSET', PLACES, unpack(places))
  redis.call('ZADD', LEASES, unpack(deadlines))
  redis.call('HSET', CLOCK, 'leases', leases + #ids)
  for band, virtual_time in pairs(virtual_times) do redis.call('HSET', CLOCK, 'time:' .. band, virtual_time) end
end

for _, task_id in ipairs(redis.call('ZRANGE', LEASES, unpack(due))) do return_to_band(task_id) end
for _, task_id in ipairs(redis.call('ZRANGE', HOLDERS, unpack(due))) do free_slots(task_id) end
while #ids < wanted and parked < 3 * wanted + 200 do
  local head = next_head(leases + #ids + 1)
  if not head then break end
  local place = redis.call('HGET', JOBS, head.task_id) or head.place
  local job = parse_place(place)
  local limited, full = limited_keys(job.keys)
  leave_band(head.task_id, job)
  if full then park(head, job, full) else lease(head, place, limited) end
end
-- Without memory Redis takes no jobs, and the index is empty although tasks wait: then this write is refused too.
if ids[1] then keep() else redis.call('HSET', CLOCK, 'leases', leases) end
if is_cut_short then redis.call('PUBLISH', ARGV[1], '') end
return leased
