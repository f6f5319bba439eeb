--[[
Purpose     Ends the leases of jobs that must not start, and frees their slots unless their tasks have started. Does not
            change the bands: a job that waits there was added after the lease had ended.
KEYS        as in redis/keys.ts; uses leases, places and what queue-slots uses
ARGV        1 the wake-up channel, then the task ids
Returns     how many of them held a lease
Complexity  O(j log n) for j ids given and n jobs
]]
local ended = 0
for argument = 2, #ARGV do
  if end_lease(ARGV[argument]) then
    ended = ended + 1
    free_unstarted(ARGV[argument])
  end
end
wake_up(ARGV[1])
return ended
