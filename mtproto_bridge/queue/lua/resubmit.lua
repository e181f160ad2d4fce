-- Put a request into a lane unless it came there before: the answer to its submit was lost.
-- KEYS lane, replies    ARGV most entries, request, the request's id
-- Answers 1 when it is in the lane now, 0 when it was there or is answered already. Error: FULL.
local asked, answered = '"id":"' .. ARGV[3] .. '"', '"request_id":"' .. ARGV[3] .. '"'
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
  if string.find(entry[2][2], asked, 1, true) then return 0 end
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
  if string.find(entry[2][2], answered, 1, true) then return 0 end
end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return redis.error_reply('FULL the lane is full') end
local id = redis.call('XADD', KEYS[1], '*', 'request', ARGV[2])
redis.call('SPUBLISH', KEYS[1], id .. ' - ' .. ARGV[2])
return 1
