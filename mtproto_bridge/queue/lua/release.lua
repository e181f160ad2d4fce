-- Give a lane back, if it is still ours, and tell the other bridges.
-- What was begun for us on its way into the lane (submit.lua) counts only if we did come to it.
-- KEYS lease, attempts, news    ARGV token, bridge, entries that we did begin and that are not finished...
-- Answers 1, or 0 when it was not ours any more.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])  -- first: at maxmemory a script may add only after it took away
local tried = {}
for i = 3, #ARGV do tried[ARGV[i]] = true end
local attempts = redis.call('HGETALL', KEYS[2])
for i = 1, #attempts, 2 do
  if attempts[i + 1] == '1 ' .. ARGV[1] and not tried[attempts[i]] then
    redis.call('HSET', KEYS[2], attempts[i], '0 ')
  end
end
redis.call('SPUBLISH', KEYS[3], ARGV[2])
return 1
