#!lua flags=allow-oom
-- URLs of replicas whose removal nobody is at any more, the oldest first. ARGV[2]: how many.
clampTimes()
local found = {}
for _, hash in ipairs(redis.call('ZRANGEBYSCORE', removing, '-inf', nowText, 'LIMIT', 0, ARGV[2])) do
    local fields = read(hash)
    if fields.status == 'removing' then
        found[#found + 1] = fields.url
    else
        mend(hash, fields)
    end
end
return found
