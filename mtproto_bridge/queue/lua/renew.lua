-- Keep lanes we hold. KEYS leases    ARGV ttl in ms, one token a lease
-- Answers 1 or 0 a lease: 0 means that it is no longer ours.
local kept = {}
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[i + 1] then
    redis.call('PEXPIRE', KEYS[i], ARGV[1])
    kept[i] = 1
  else
    kept[i] = 0
  end
end
return kept
