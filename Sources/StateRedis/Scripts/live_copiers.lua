#!lua flags=allow-oom
-- How many copiers live. KEYS[2]: the copiers. One that lives longer than a registration lasts registered before the clock was put back.
local latest = text(now + (tonumber(redis.call('HGET', counters, 'copier_life')) or 0))
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. latest, '+inf')) do redis.call('ZADD', KEYS[2], latest, name) end
return redis.call('ZCOUNT', KEYS[2], '(' .. nowText, '+inf')
