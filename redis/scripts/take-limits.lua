--[[
Purpose     Answers calls one after the other: each takes its cost from all its limits or from none.
KEYS        for each call: the mark of its reservation when it has one; then for each limit its state, and after it its
            block when it has one. All under one hash tag
ARGV        1 a name that is unique to this script call; then for each call 'look' (takes nothing), 'take' or 'mark'
            (takes once per reservation), for 'mark' the tokens and the lifetime of the mark in milliseconds, and each
            limit as one word: 'level' or 'log', the cost, the burst, the microseconds of a unit or of the window, and the
            milliseconds of a block or 0, with spaces between
Returns     one flat list: for each call 'taken', 'denied' or 'repeated'; then for each of its limits the units left, the
            microseconds until nothing counts, and the microseconds to wait or 0
Complexity  O(1) for each limit with a level, O(log n + cost) for a log of n entries
]]
local answers = {}
while word <= #ARGV do
  local mode, mark, tokens, lifetime = ARGV[word], nil, nil, nil
  if mode == 'mark' then
    mark, tokens, lifetime = KEYS[key], ARGV[word + 1], ARGV[word + 2]
    key, word = key + 1, word + 2
  end
  word = word + 1
  local count, denied = read_limits()
  local repeated = mark and redis.call('EXISTS', mark) == 1
  if not repeated and mode ~= 'look' then
    for place = 1, count do (denied and block or charge)(place) end
    if mark and not denied then redis.call('SET', mark, tokens, 'PX', lifetime) end
  end
  answers[#answers + 1] = repeated and 'repeated' or denied and 'denied' or 'taken'
  for place = 1, count do
    local left = math.floor(limits[place].burst - used[place] + ROUNDING)
    answers[#answers + 1] = left > 0 and left or 0
    answers[#answers + 1] = reset[place]
    answers[#answers + 1] = repeated and 0 or wait[place]
  end
end
return answers
