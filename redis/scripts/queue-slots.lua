--[[
Purpose     Part of many queue scripts: the slots that tasks hold, and the jobs that are parked for lack of one. While a
            key has room and jobs are parked under it, as many jobs with that key wait in bands as it has room: code
            that frees a slot, or takes a job with a key from its band without taking a slot, invites the next one, of
            the highest band. Which job finally starts is decided when that one is leased; see queue-turns.
KEYS        as in redis/keys.ts; uses holders, slots, held and what queue-parked uses
Functions   invite(key, most): lets as many parked jobs wait again as there is room for; set_slots(task_id, keys);
            free_slots(task_id): true when it held any; free_unstarted(task_id): the same unless the task has started
Complexity  O(log n) for each key and each job that is let in
]]
local invited = 0

local function invite(key, most)
  local wanted = math.min(room_of(key), most)
  for band = 1, 3 do
    while wanted > 0 and not is_paused(band) do
      local job = first_parked(key, band)
      if not job then break end
      let_in(key, job)
      wanted, invited = wanted - 1, invited + 1
    end
  end
end

local function count_slots(keys, change)
  for key in string.gmatch(keys, '%S+') do
    if redis.call('HINCRBY', HELD, key, change) <= 0 then redis.call('HDEL', HELD, key) end
  end
end

local function set_slots(task_id, keys)
  count_slots(redis.call('HGET', SLOTS, task_id) or '', -1)
  count_slots(keys, 1)
  redis.call('HSET', SLOTS, task_id, keys)
end

local function free_slots(task_id)
  local keys = redis.call('HGET', SLOTS, task_id)
  redis.call('ZREM', HOLDERS, task_id)
  if not keys then return false end
  redis.call('HDEL', SLOTS, task_id)
  count_slots(keys, -1)
  for key in string.gmatch(keys, '%S+') do invite(key, 1) end
  return true
end

local function free_unstarted(task_id)
  return not redis.call('ZSCORE', HOLDERS, task_id) and free_slots(task_id)
end

local function wake_up(channel)
  if invited > 0 then redis.call('PUBLISH', channel, '') end
end
