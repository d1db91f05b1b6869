-- Claims entries that are due at an instant, oldest first.
-- KEYS: first, normal, generation, lease, claim. ARGV: 1 or 2 (which set), instant, how many at most, milliseconds of the lease, token.
-- Answers: id, generation, due; and so on.
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[4]
local set = tonumber(ARGV[1])
local due = redis.call('ZRANGEBYSCORE', KEYS[set], '-inf', ARGV[2], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local answer = {}
for i = 1, #due, 2 do
  local id = due[i]
  redis.call('ZREM', KEYS[set], id)
  redis.call('ZADD', KEYS[4], ends, id)
  redis.call('HSET', KEYS[5], id, ARGV[5] .. ' ' .. set .. ' ' .. due[i + 1])
  answer[#answer + 1] = id
  answer[#answer + 1] = redis.call('HGET', KEYS[3], id) or '0'
  answer[#answer + 1] = due[i + 1]
end
return answer
