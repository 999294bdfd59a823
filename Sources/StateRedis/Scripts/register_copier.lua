#!lua flags=allow-oom
-- Says that a copier lives. KEYS[9]: the copiers, ARGV[2]: its name, ARGV[3]: for how many milliseconds.
redis.call('ZREMRANGEBYSCORE', KEYS[9], '-inf', text(now))
redis.call('ZADD', KEYS[9], text(now + tonumber(ARGV[3])), ARGV[2])
return 1
