-- Take lanes nobody holds, up to a number. The epoch only grows: it is the fencing part of the token.
-- KEYS epochs, leases...    ARGV bridge, nonce, life in ms, most to take, accounts...
-- Answers one a lease: its token when taken; else for how many ms it is held, 0 for one that was left to others.
local answers, taken = {}, 0
for i = 2, #KEYS do
  local left = redis.call('PTTL', KEYS[i])
  if left ~= -2 then
    answers[i - 1] = left
  elseif taken < tonumber(ARGV[4]) then
    local epoch = redis.call('HINCRBY', KEYS[1], ARGV[i + 3], 1)
    answers[i - 1] = ARGV[1] .. ':' .. epoch .. ':' .. ARGV[2]
    redis.call('SET', KEYS[i], answers[i - 1], 'PX', ARGV[3])
    taken = taken + 1
  else
    answers[i - 1] = 0
  end
end
return answers
