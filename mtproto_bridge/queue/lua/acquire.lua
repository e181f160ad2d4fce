-- Take a lane nobody holds. The epoch only grows: it is the fencing token's second part.
-- KEYS lease, epochs    ARGV account, bridge, nonce, ttl in ms
-- Answers the token (bridge:epoch:nonce), or false when somebody holds the lane.
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local epoch = redis.call('HINCRBY', KEYS[2], ARGV[1], 1)
local token = ARGV[2] .. ':' .. epoch .. ':' .. ARGV[3]
redis.call('SET', KEYS[1], token, 'PX', ARGV[4])
return token
