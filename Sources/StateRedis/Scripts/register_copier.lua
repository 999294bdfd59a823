#!lua flags=allow-oom
-- Says that a copier lives. KEYS[2]: the copiers, ARGV[2]: its name, ARGV[3]: for how many milliseconds.
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', nowText)
local life = math.max(tonumber(ARGV[3]), tonumber(redis.call('HGET', counters, 'copier_life')) or 0)
redis.call('HSET', counters, 'copier_life', text(life))
redis.call('ZADD', KEYS[2], text(now + tonumber(ARGV[3])), ARGV[2])
return 1
