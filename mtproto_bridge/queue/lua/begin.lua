-- Begin work on an entry: only under the lease, only while it is unfinished; counts the attempt, once a lease,
-- however often it is asked: the answer may have been lost, or submit.lua have begun it.
-- A nonce binds the first payload it came with, and remembers the first result (see finish.lua).
-- KEYS lease, lane, attempts, and with a nonce its key
-- ARGV token, entry id, and with a nonce: what it binds (one line), its life in s
-- Answers {attempt, stored reply or false}; attempt -1: the entry is finished already.
-- Errors: FENCED (the lease is not ours), CHANGED (the nonce came with another payload before).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED the lease is not ours') end
if #redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2]) == 0 then return {-1, false} end
local stored = false
if KEYS[4] then
  local known = redis.call('SET', KEYS[4], ARGV[3], 'NX', 'GET', 'EX', ARGV[4])
  if known then
    local line = string.find(known, '\n', 1, true)
    if (line and string.sub(known, 1, line - 1) or known) ~= ARGV[3] then
      return redis.error_reply('CHANGED the nonce came with another payload')
    end
    stored = line and string.sub(known, line + 1) or false
  end
end
local count, by = string.match(redis.call('HGET', KEYS[3], ARGV[2]) or '0 ', '^(%d+) ?(.*)$')
if by ~= ARGV[1] then
  count = count + 1
  redis.call('HSET', KEYS[3], ARGV[2], string.format('%d %s', count, ARGV[1]))
end
return {tonumber(count), stored}
