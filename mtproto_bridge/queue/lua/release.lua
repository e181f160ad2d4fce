-- Give a lane back, if it is still ours, and tell the other bridges.
-- What was begun for us on its way into the lane (submit.lua) counts only if we did begin it.
-- KEYS lease, lane, attempts, news    ARGV token, bridge, entries that were begun and are not finished...
-- Answers 1, or 0 when it was not ours any more.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local begun = {}
for i = 3, #ARGV do begun[ARGV[i]] = true end
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
  if entry[2][4] == ARGV[1] and not begun[entry[1]] then redis.call('HSETNX', KEYS[3], entry[1], '0 ') end
end
redis.call('DEL', KEYS[1])
redis.call('SPUBLISH', KEYS[4], ARGV[2])
return 1
