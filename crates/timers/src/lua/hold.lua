-- Sets the end of a lease that is still ours: to renew it, or to put the entry aside after a failure.
-- KEYS: lease, claim. ARGV: id, token, milliseconds, '1' to give the token up.
local claim = redis.call('HGET', KEYS[2], ARGV[1])
if not claim then
  return 0
end
local token, rest = string.match(claim, '^(%S+) (.*)$')
if token ~= ARGV[2] then
  return 0
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], ARGV[1])
if ARGV[4] == '1' then
  redis.call('HSET', KEYS[2], ARGV[1], '- ' .. rest)
end
return 1
