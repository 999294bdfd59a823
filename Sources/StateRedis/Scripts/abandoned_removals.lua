#!lua flags=allow-oom
-- URLs of replicas whose removal nobody is at any more, the oldest first. ARGV[2]: how many.
local found = {}
-- Those that the clock made too long.
for _, hash in ipairs(redis.call('ZREVRANGEBYSCORE', removing, '+inf', '(' .. text(now), 'LIMIT', 0, 1000)) do
    local fields = read(hash)
    if fields.status == 'removing' then redis.call('ZADD', removing, text(clamped(fields.ends, fields.wait)), hash) end
end
for _, hash in ipairs(redis.call('ZRANGEBYSCORE', removing, '-inf', text(now), 'LIMIT', 0, ARGV[2])) do
    local fields = read(hash)
    if fields.status == 'removing' then
        found[#found + 1] = fields.url
    else
        mend(hash, fields)
    end
end
return found
