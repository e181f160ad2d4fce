-- Put a dead letter back into a lane, as a request that was never begun.
-- KEYS dead letters, lane    ARGV letter id, request
-- Answers the entry's id, or false when there is no such letter (any more).
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return false end
local id = redis.call('XADD', KEYS[2], '*', 'request', ARGV[2])
redis.call('SPUBLISH', KEYS[2], id .. ' - ' .. ARGV[2])
return id
