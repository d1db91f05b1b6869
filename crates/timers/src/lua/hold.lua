-- Sets the end of leases that are still ours: to renew them, or to put the entries aside.
-- KEYS: lease, claim. ARGV: token, milliseconds, what takes the token's place ('' keeps it), ids.
-- Answers how many were ours.
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
local ours = 0
for i = 4, #ARGV do
  local claim = redis.call('HGET', KEYS[2], ARGV[i])
  if claim then
    local token, rest = string.match(claim, '^(%S+) (.*)$')
    if token == ARGV[1] then
      ours = ours + 1
      redis.call('ZADD', KEYS[1], ends, ARGV[i])
      if ARGV[3] ~= '' then
        redis.call('HSET', KEYS[2], ARGV[i], ARGV[3] .. ' ' .. rest)
      end
    end
  end
end
return ours
