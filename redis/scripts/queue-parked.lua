--[[
Purpose     Part of many queue scripts: the jobs that are parked under a full key. Under each key and in each band
            tenants take turns by weight, as they do in the bands, and a tenant's oldest job comes first.
KEYS        as in redis/keys.ts; uses parked, queues, let_in, turns
Functions   park_under(key, task_id, job); leave_parked(key, task_id, job); first_with(set, prefix): the first member;
            forget_unused(key): after the last job that waited for it
Complexity  O(log n) of the parked jobs for each call
]]
local unclaimed = {} -- keys for which nobody waits, as far as lease-jobs has looked

local function turn_text(turn)
  return string.format('%020.6f', turn)
end

local function virtual_time_under(key, band)
  return tonumber(redis.call('HGET', TURNS, key .. '|' .. band) or 0)
end

local function first_with(set, prefix)
  return redis.call('ZRANGE', set, '[' .. prefix .. '|', '(' .. prefix .. '}', 'BYLEX', 'LIMIT', 0, 1)[1]
end

local function forget_unused(key)
  if first_with(QUEUES, key) or first_with(LET_IN, key) then return end
  redis.call('HDEL', TURNS, key, key .. '|1', key .. '|2', key .. '|3')
end

local function park_under(key, task_id, job)
  local queue = key .. '|' .. job.band
  redis.call('ZADD', PARKED[job.band], 0, key .. '|' .. job.tenant .. '|' .. job.created .. '|' .. task_id)
  if redis.call('HEXISTS', TURNS, queue .. '|' .. job.tenant) == 1 then return end
  local turn = turn_text(virtual_time_under(key, job.band) + 1 / weight_of(job.tenant))
  redis.call('HSET', TURNS, queue .. '|' .. job.tenant, turn)
  redis.call('ZADD', QUEUES, 0, queue .. '|' .. turn .. '|' .. job.tenant)
  redis.call('HSETNX', TURNS, key, '0|0|0')
  unclaimed[key] = nil
end

local function leave_queue(key, band, tenant)
  local queue = key .. '|' .. band
  local turn = redis.call('HGET', TURNS, queue .. '|' .. tenant) or ''
  redis.call('ZREM', QUEUES, queue .. '|' .. turn .. '|' .. tenant)
  redis.call('HDEL', TURNS, queue .. '|' .. tenant)
  forget_unused(key)
end

local function leave_parked(key, task_id, job)
  local tenants = key .. '|' .. job.tenant
  local member = tenants .. '|' .. job.created .. '|' .. task_id
  if redis.call('ZREM', PARKED[job.band], member) == 0 then return false end
  if not first_with(PARKED[job.band], tenants) then leave_queue(key, job.band, job.tenant) end
  return true
end
