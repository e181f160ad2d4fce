-- Put a request into a lane, and tell the bridge that holds it. An entry in the stream is a request not finished.
-- Where that bridge listens and would begin it at once, it is begun here, under its lease, and needs no begin.lua:
-- few are before it, and its nonce is new. A bridge that leaves takes that back (release.lua).
-- KEYS lane, lease, attempts, and maybe the asker's share or the nonce's key
-- ARGV most entries, entries below which it is begun, request,
--      and 'share', most at once, how many more a second; or 'nonce', what it binds, its life in s
-- Answers the entry's id. Errors, nothing was kept: FULL (the lane is), SHARE ms (the asker may ask again then).
local before = redis.call('XLEN', KEYS[1])
if before >= tonumber(ARGV[1]) then return redis.error_reply('FULL the lane is full') end
if ARGV[4] == 'share' then
  local most, rate = tonumber(ARGV[5]), tonumber(ARGV[6])
  local clock = redis.call('TIME')
  local now = clock[1] + clock[2] / 1000000
  local known = redis.call('HMGET', KEYS[4], 'left', 'at')
  local left = math.min(most, (tonumber(known[1]) or most) + (now - (tonumber(known[2]) or now)) * rate)
  if left < 1 then return redis.error_reply('SHARE ' .. math.ceil((1 - left) / rate * 1000)) end
  redis.call('HSET', KEYS[4], 'left', tostring(left - 1), 'at', string.format('%.6f', now))
  redis.call('EXPIRE', KEYS[4], math.ceil(most / rate))
end
local token = before < tonumber(ARGV[2]) and redis.call('GET', KEYS[2])
if token and ARGV[4] == 'nonce' and redis.call('SET', KEYS[4], ARGV[5], 'NX', 'GET', 'EX', ARGV[6]) then
  token = false  -- it came before: begin.lua looks what with, and what came of it
end
local id = redis.call('XADD', KEYS[1], '*', 'request', ARGV[3])
local listeners = redis.call('SPUBLISH', KEYS[1], id .. ' ' .. (token or '-') .. ' ' .. ARGV[3])
if token and listeners > 0 then redis.call('HSET', KEYS[3], id, '1 ' .. token) end
return id
