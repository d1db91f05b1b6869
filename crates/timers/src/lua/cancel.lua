-- Removes an entry, unless the index knows a newer generation.
-- KEYS: first, normal, generation, lease, claim. ARGV: id, generation.
local known = redis.call('HGET', KEYS[3], ARGV[1])
if not known or tonumber(known) > tonumber(ARGV[2]) then
  return 0
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
return 1
