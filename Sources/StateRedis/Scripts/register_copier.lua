#!lua flags=allow-oom
-- Says that a copier lives. KEYS[8]: the copiers, ARGV[2]: its name, ARGV[3]: for how many milliseconds.
redis.call('ZREMRANGEBYSCORE', KEYS[8], '-inf', text(now))
local life = math.max(tonumber(ARGV[3]), tonumber(redis.call('HGET', counters, 'copier_life')) or 0)
redis.call('HSET', counters, 'copier_life', text(life))
redis.call('ZADD', KEYS[8], text(now + tonumber(ARGV[3])), ARGV[2])
return 1
