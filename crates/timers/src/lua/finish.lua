-- Removes an entry whose claim is still ours, or puts what is due next in its place.
-- KEYS: first, normal, generation, lease, claim. ARGV: id, token, and if something is next: generation, 1 or 2 (which set), due.
local claim = redis.call('HGET', KEYS[5], ARGV[1])
if not claim or string.match(claim, '^%S+') ~= ARGV[2] then
  return 0
end
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
if ARGV[3] then
  redis.call('ZADD', KEYS[tonumber(ARGV[4])], ARGV[5], ARGV[1])
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
else
  redis.call('HDEL', KEYS[3], ARGV[1])
end
return 1
