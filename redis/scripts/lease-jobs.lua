--[[
Purpose     Leases waiting jobs in their order, and parks those whose concurrency key is full. First takes back expired
            leases and slots. A tenant whose jobs cannot start delays the others of its band only for a limited time.
            A lease of the high band alone takes no turn of another band's, and is not counted for the turns.
KEYS        as in redis/keys.ts; uses all but starts, ended, epoch and rebuild
ARGV        1 the wake-up channel, 2 most jobs to lease, 3 length of the lease in milliseconds, 4 most leases, and most
            holders, to take back, 5 `urgent` for the high band alone, or `all`
Returns     task id and number of the band of each leased job, in the order of the leases, as one flat list
Complexity  O((j + p + r) log n) for j jobs leased, p parked (at most 3 j + 200), r taken back and n waiting
]]
local wanted, deadline = tonumber(ARGV[2]), now + tonumber(ARGV[3])
local leases = tonumber(redis.call('HGET', CLOCK, 'leases') or 0)
local is_urgent = ARGV[5] == 'urgent'
local parked, parked_of, is_cut_short = 0, {}, false
local due, enough = { '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[4] }, 3 * wanted + 200

local function park(head, job, full)
  park_under(full, head.task_id, head)
  leave(head.task_id, job)
  for key in string.gmatch(job.keys, '%S+') do
    if limit_of(key) then invite(key, 1) end
  end
  parked, parked_of[head.tenant] = parked + 1, (parked_of[head.tenant] or 0) + 1
  if parked_of[head.tenant] <= wanted + 50 then return end
  is_cut_short = true
  pass_over(head)
end

for _, task_id in ipairs(redis.call('ZRANGE', LEASES, unpack(due))) do return_to_band(task_id) end
for _, task_id in ipairs(redis.call('ZRANGE', HOLDERS, unpack(due))) do free_slots(task_id) end
while #ids < wanted and parked + moved < enough do
  local head
  if is_urgent then head = head_of(1) else head = next_head(leases + #ids + 1) end
  if not head then break end
  local job = parse_place(place_of(head))
  local limited, full = limited_keys(job.keys)
  local instead = not full and not is_urgent and in_turn(head, limited)
  if full then
    park(head, job, full)
  elseif instead then
    job = parse_place(place_of(instead))
    lease(instead, job, limited_keys(job.keys))
  else
    lease(head, job, limited)
  end
end
-- Without memory Redis takes no jobs, and the index is empty although tasks wait: then this write is refused too.
redis.call('HSET', CLOCK, 'leases', is_urgent and leases or leases + #ids)
if ids[1] then keep(deadline) end
if is_cut_short or parked + moved >= enough then redis.call('PUBLISH', ARGV[1], '') end
return leased
