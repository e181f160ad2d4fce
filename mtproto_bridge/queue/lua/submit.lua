-- Put a request into a lane. An entry in the stream is a request not finished.
-- KEYS lane    ARGV most entries the lane holds, request
-- Answers the entry's id; the error FULL when the lane is full: nothing was kept.
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return redis.error_reply('FULL the lane is full') end
return redis.call('XADD', KEYS[1], '*', 'request', ARGV[2])
