-- Say that a bridge lives, or with a life of 0 that it leaves, and keep the lanes it holds.
-- KEYS bridges, leases...    ARGV bridge, its life in ms, the leases' life in ms, one token a lease
-- Answers {how many bridges live, then 1 or 0 a lease}: 0 means that it is no longer ours.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
end
local answers = {redis.call('ZCARD', KEYS[1])}
for i = 2, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[i + 2] then
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
    answers[i] = 1
  else
    answers[i] = 0
  end
end
return answers
