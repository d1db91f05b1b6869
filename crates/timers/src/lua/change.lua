-- Puts entries into the index or takes them out, in the order given, unless it knows a newer generation.
-- KEYS: first, normal, generation, lease, claim, past. ARGV: id, generation, which set (1 or 2; 0 takes it out), due,
-- why it may come late or '', a newer generation that it takes the place of unless that is in hand or ''; and so on.
for i = 1, #ARGV, 6 do
  local id, generation, set, due = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
  local mark, over = ARGV[i + 4], ARGV[i + 5]
  if set == 0 then
    local known = redis.call('HGET', KEYS[3], id)
    if known and tonumber(known) <= tonumber(generation) then
      redis.call('ZREM', KEYS[1], id)
      redis.call('ZREM', KEYS[2], id)
      redis.call('HDEL', KEYS[3], id)
      redis.call('ZREM', KEYS[4], id)
      redis.call('HDEL', KEYS[5], id)
      redis.call('HDEL', KEYS[6], id)
    end
  elseif redis.call('HSETNX', KEYS[3], id, generation) == 1 then
    -- Nothing was known of it, so nothing else holds it either.
    redis.call('ZADD', KEYS[set], due, id)
    if mark ~= '' then
      redis.call('HSET', KEYS[6], id, mark)
    end
  else
    local known = redis.call('HGET', KEYS[3], id)
    local claim = redis.call('HGET', KEYS[5], id)
    if tonumber(known) <= tonumber(generation) or (known == over and not claim) then
      local place = set .. ' ' .. due
      -- A worker that has exactly this entry in hand keeps it; one that has an older one in hand loses its claim.
      local in_hand = claim and known == generation and string.match(claim, '^%S+ (.*)$') == place
      local in_place = known == generation and redis.call('ZSCORE', KEYS[set], id) == due
      if not in_hand and not in_place then
        redis.call('ZREM', KEYS[4], id)
        redis.call('HDEL', KEYS[5], id)
        redis.call('ZREM', KEYS[3 - set], id)
        redis.call('ZADD', KEYS[set], due, id)
        redis.call('HSET', KEYS[3], id, generation)
        if mark == '' then
          redis.call('HDEL', KEYS[6], id)
        else
          redis.call('HSET', KEYS[6], id, mark)
        end
      end
    end
  end
end
return 0
