#!lua flags=no-writes
-- How many copiers live. KEYS[9]: the copiers.
return redis.call('ZCOUNT', KEYS[9], '(' .. text(now), '+inf')
