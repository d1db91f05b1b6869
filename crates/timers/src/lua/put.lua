-- Puts entries into the index, unless it knows a newer generation.
-- KEYS: first, normal, generation, lease, claim. ARGV: id, generation, 1 or 2 (which set), due; and so on.
local placed = 0
for i = 1, #ARGV, 4 do
  local id, generation, set, due = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
  local known = redis.call('HGET', KEYS[3], id)
  if not known or tonumber(known) <= tonumber(generation) then
    local claim = redis.call('HGET', KEYS[5], id)
    -- A worker that has exactly this entry in hand keeps it; one that has an older one in hand loses its claim.
    local in_hand = claim and known == generation and string.match(claim, '^%S+ (.*)$') == set .. ' ' .. due
    if not in_hand then
      redis.call('ZREM', KEYS[4], id)
      redis.call('HDEL', KEYS[5], id)
      redis.call('ZREM', KEYS[3 - set], id)
      redis.call('ZADD', KEYS[set], due, id)
      redis.call('HSET', KEYS[3], id, generation)
      placed = placed + 1
    end
  end
end
return placed
