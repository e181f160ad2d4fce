-- Note until when Telegram wants a method left alone; an entry that waits for it was not really begun.
-- KEYS lease, attempts, floods
-- ARGV token, method, moment in ms since 1970, entry id or '' (it is answered instead), attempts before this one
-- Answers 1. Error: FENCED.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED the lease is not ours') end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], ARGV[4], ARGV[5] .. ' ') end
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
if redis.call('PEXPIRETIME', KEYS[3]) < tonumber(ARGV[3]) then redis.call('PEXPIREAT', KEYS[3], ARGV[3]) end
return 1
