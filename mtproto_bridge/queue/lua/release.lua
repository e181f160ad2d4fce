-- Give a lane back, if it is still ours, and tell the other bridges.
-- KEYS lease, news    ARGV token, bridge
-- Answers 1, or 0 when it was not ours any more.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SPUBLISH', KEYS[2], ARGV[2])
return 1
