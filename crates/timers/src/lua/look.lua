-- Takes back what has an expired lease, and tells what is due.
-- KEYS: first, normal, generation, lease, claim, past, complete. ARGV: now, how many at most.
-- Answers: 1 if complete; the next due instant after now or ''; milliseconds until the next lease ends or ''; due instants
-- of the first set and of the normal set, oldest first, each as 'instant*count,instant*count'.
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
local expired = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', clock, 'LIMIT', 0, 100)
for _, id in ipairs(expired) do
  local claim = redis.call('HGET', KEYS[5], id)
  if claim then
    local token, set, due = string.match(claim, '^(%S+) (%S+) (%S+)$')
    redis.call('ZADD', KEYS[tonumber(set)], due, id)
    redis.call('HDEL', KEYS[5], id)
    -- '-' was put aside after a failure, '~' since it was early; else its worker was not heard of again.
    if token ~= '~' then
      redis.call('HSET', KEYS[6], id, token == '-' and 'F' or 'L')
    end
  end
  redis.call('ZREM', KEYS[4], id)
end
local answer = { redis.call('EXISTS', KEYS[7]), '', '', '', '' }
for set = 1, 2 do
  local due = redis.call('ZRANGEBYSCORE', KEYS[set], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
  local runs, count = {}, 0
  for i = 2, #due, 2 do
    count = count + 1
    if due[i + 2] ~= due[i] then
      runs[#runs + 1] = due[i] .. '*' .. count
      count = 0
    end
  end
  answer[3 + set] = table.concat(runs, ',')
  local next_due = redis.call('ZRANGEBYSCORE', KEYS[set], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if next_due and (answer[2] == '' or tonumber(next_due) < tonumber(answer[2])) then
    answer[2] = next_due
  end
end
local lease = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2]
if lease then
  answer[3] = math.max(0, tonumber(lease) - clock)
end
return answer
