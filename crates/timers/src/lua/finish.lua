-- Removes entries whose claim is still ours, or puts what is due next in their place.
-- KEYS: first, normal, generation, lease, claim. ARGV: token, and for each (1000 or fewer): id, and generation, 1 or 2
-- (which set), due of what is next, or three times ''.
-- Answers for each: 1, or 0 when the claim is no longer ours.
local ids = {}
for i = 2, #ARGV, 4 do
  ids[#ids + 1] = ARGV[i]
end
local claims = redis.call('HMGET', KEYS[5], unpack(ids))
local ours, gone, answer = {}, {}, {}
for n, id in ipairs(ids) do
  answer[n] = 0
  if claims[n] and string.match(claims[n], '^%S+') == ARGV[1] then
    answer[n] = 1
    ours[#ours + 1] = id
    local at = n * 4 - 1
    if ARGV[at] == '' then
      gone[#gone + 1] = id
    else
      redis.call('ZADD', KEYS[tonumber(ARGV[at + 1])], ARGV[at + 2], id)
      redis.call('HSET', KEYS[3], id, ARGV[at])
    end
  end
end
if #ours > 0 then
  redis.call('ZREM', KEYS[4], unpack(ours))
  redis.call('HDEL', KEYS[5], unpack(ours))
end
if #gone > 0 then
  redis.call('HDEL', KEYS[3], unpack(gone))
end
return answer
