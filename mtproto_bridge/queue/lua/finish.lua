-- Finish an entry in one step: under the lease, delete it, keep the result under its nonce, answer the asker.
-- KEYS lease, lane, attempts, replies, and to keep the result the nonce's key
-- ARGV token, entry id, reply, most replies, and to keep the result what the nonce binds
-- Answers 1; 0 when the entry was finished before. Error: FENCED.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED the lease is not ours') end
if redis.call('XDEL', KEYS[2], ARGV[2]) == 0 then return 0 end
redis.call('HDEL', KEYS[3], ARGV[2])
if KEYS[5] and redis.call('GET', KEYS[5]) == ARGV[5] then  -- the first result stays
  redis.call('SET', KEYS[5], ARGV[5] .. '\n' .. ARGV[3], 'KEEPTTL')
end
local id = redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], '*', 'reply', ARGV[3])
redis.call('SPUBLISH', KEYS[4], id .. ' ' .. ARGV[3])
return 1
