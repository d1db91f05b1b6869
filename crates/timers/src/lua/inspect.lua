-- Tells what the index knows of entries.
-- KEYS: first, normal, generation, lease, claim. ARGV: ids.
-- Answers for each: its generation or '', and 'set due' or ''.
local answer = {}
for i = 1, #ARGV do
  local id = ARGV[i]
  local place = ''
  local claim = redis.call('HGET', KEYS[5], id)
  if claim then
    place = string.match(claim, '^%S+ (.*)$')
  else
    for set = 1, 2 do
      local due = redis.call('ZSCORE', KEYS[set], id)
      if due then
        place = set .. ' ' .. due
      end
    end
  end
  answer[#answer + 1] = redis.call('HGET', KEYS[3], id) or ''
  answer[#answer + 1] = place
end
return answer
