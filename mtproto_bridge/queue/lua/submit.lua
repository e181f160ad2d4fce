-- Put a request into a lane. An entry in the stream is a request not finished.
-- KEYS lane, and for the desk the asker's share
-- ARGV most entries, request, and for the desk: most at once, how many more a second
-- Answers the entry's id. Errors, nothing was kept: FULL (the lane is), SHARE ms (the asker may ask again then).
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return redis.error_reply('FULL the lane is full') end
if KEYS[2] then
  local most, rate = tonumber(ARGV[3]), tonumber(ARGV[4])
  local clock = redis.call('TIME')
  local now = clock[1] + clock[2] / 1000000
  local known = redis.call('HMGET', KEYS[2], 'left', 'at')
  local left = math.min(most, (tonumber(known[1]) or most) + (now - (tonumber(known[2]) or now)) * rate)
  if left < 1 then return redis.error_reply('SHARE ' .. math.ceil((1 - left) / rate * 1000)) end
  redis.call('HSET', KEYS[2], 'left', tostring(left - 1), 'at', string.format('%.6f', now))
  redis.call('EXPIRE', KEYS[2], math.ceil(most / rate))
end
return redis.call('XADD', KEYS[1], '*', 'request', ARGV[2])
