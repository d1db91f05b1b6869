-- Asks to rebuild a shard, or says that one is still at it.
-- KEYS: complete, builder. ARGV: token, milliseconds until another may take over.
-- Answers: 0 complete, 1 it is ours to build, 2 another builds it.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
local builder = redis.call('GET', KEYS[2])
if builder and builder ~= ARGV[1] then
  return 2
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
