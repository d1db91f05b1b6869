-- Claims entries that are due at an instant, oldest first.
-- KEYS: first, normal, generation, lease, claim, past. ARGV: 1 or 2 (which set), instant, how many at most (1000 or
-- fewer, since they become arguments), milliseconds of the lease, token.
-- Answers: id, generation, due, why it may come late or ''; and so on.
local set = tonumber(ARGV[1])
local due = redis.call('ZRANGEBYSCORE', KEYS[set], '-inf', ARGV[2], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
if #due == 0 then
  return {}
end
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[4]
local claim = ARGV[5] .. ' ' .. set .. ' '
local ids, leases, claims = {}, {}, {}
for i = 1, #due, 2 do
  local id = due[i]
  ids[#ids + 1] = id
  leases[i], leases[i + 1] = ends, id
  claims[i], claims[i + 1] = id, claim .. due[i + 1]
end
-- They are the lowest of the set.
redis.call('ZREMRANGEBYRANK', KEYS[set], 0, #ids - 1)
redis.call('ZADD', KEYS[4], unpack(leases))
redis.call('HSET', KEYS[5], unpack(claims))
local generations = redis.call('HMGET', KEYS[3], unpack(ids))
local marks
if redis.call('EXISTS', KEYS[6]) == 1 then
  marks = redis.call('HMGET', KEYS[6], unpack(ids))
  redis.call('HDEL', KEYS[6], unpack(ids))
end
local answer = {}
for n, id in ipairs(ids) do
  answer[#answer + 1] = id
  answer[#answer + 1] = generations[n] or '0'
  answer[#answer + 1] = due[n * 2]
  answer[#answer + 1] = marks and marks[n] or ''
end
return answer
