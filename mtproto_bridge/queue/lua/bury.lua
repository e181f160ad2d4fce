-- Move an entry to the dead letters, and answer the asker.
-- KEYS lease, lane, attempts, replies, dead letters
-- ARGV token, entry id, reply, most replies, account, reason, most letters
-- Answers 1; 0 when the entry was finished before. Error: FENCED.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED the lease is not ours') end
local entry = redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2])[1]
if not entry then return 0 end
redis.call('XDEL', KEYS[2], ARGV[2])  -- first: at maxmemory a script may add only after it took away
redis.call('HDEL', KEYS[3], ARGV[2])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[7], '*', 'request', entry[2][2], 'account', ARGV[5], 'reason', ARGV[6])
local id = redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], '*', 'reply', ARGV[3])
redis.call('SPUBLISH', KEYS[4], id .. ' ' .. ARGV[3])
return 1
