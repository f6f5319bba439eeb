--[[
Purpose     First part of every queue script: names the keys and reads the clock. redis/keys.ts lists the KEYS.
Words       place: number of the band, tenant, creation time and concurrency keys of a job, separated by bars, the keys
            by spaces; if a key let the job in, that key too; of a leased job, the turn of its tenant that it took. No
            part contains a bar, a space or a brace.
]]
local BANDS = { KEYS[1], KEYS[2], KEYS[3] }
local TENANTS = { KEYS[4], KEYS[5], KEYS[6] }
local PARKED = { KEYS[7], KEYS[8], KEYS[9] }
local JOBS, LEASES, PLACES = KEYS[10], KEYS[11], KEYS[12]
local HOLDERS, SLOTS, HELD, ELSEWHERE = KEYS[13], KEYS[14], KEYS[15], KEYS[16]
local SETTINGS, CLOCK, STARTS, ENDED = KEYS[17], KEYS[18], KEYS[19], KEYS[20]
local EPOCH, REBUILD, QUEUES, LET_IN, TURNS = KEYS[21], KEYS[22], KEYS[23], KEYS[24], KEYS[25]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
