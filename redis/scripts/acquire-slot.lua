--[[
Purpose     Takes one of a number of slots until a deadline; slots whose deadline has passed are free again.
KEYS        1 and 2 as take-slot has them
ARGV        1 to 4 as take-slot has them
Returns     'taken', the fence and 0; or 'full', 0 and the milliseconds until the next deadline
Complexity  O(log n) for n holders
]]
if free_slots() <= 0 then return { 'full', 0, next_deadline() } end
return take_slot()
