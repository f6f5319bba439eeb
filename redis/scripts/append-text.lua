--[[
Purpose     Appends pieces of what a model says to the stream of its run, and hints that there are some. An entry's id is
            its place, `step and attempt`-`what was said`, so what is there already is left out, and an attempt that was
            replaced adds nothing to its successor's.
KEYS        1 the stream
ARGV        1 the channel of hints, 2 lifetime of the key in milliseconds, 3 the id before which entries are removed,
            then for each piece: its id, `text` or `tool`, and that text or name
Returns     'added', or 'superseded' where a later attempt or step has written
Complexity  O(n) for n pieces
]]
local function parts(id)
  local major, minor = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(major), tonumber(minor)
end

local major, minor = 0, 0
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if last then major, minor = parts(last[1]) end
for i = 4, #ARGV, 3 do
  local pieceMajor, pieceMinor = parts(ARGV[i])
  if pieceMajor < major then return 'superseded' end
  if pieceMajor > major or pieceMinor > minor then
    redis.call('XADD', KEYS[1], ARGV[i], ARGV[i + 1], ARGV[i + 2])
    major, minor = pieceMajor, pieceMinor
  end
end
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[1], '')
return 'added'
