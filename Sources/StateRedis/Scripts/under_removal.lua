#!lua flags=allow-oom
-- URLs of replicas whose removal began more than ARGV[2] milliseconds ago, the oldest first. ARGV[3]: how many.
local found = {}
local before = '(' .. text(now - tonumber(ARGV[2]))
for _, url in ipairs(redis.call('ZRANGEBYSCORE', removing, '-inf', before, 'LIMIT', 0, ARGV[3])) do
    local fields = read(url)
    if fields.status == 'removing' then
        found[#found + 1] = url
    else
        mend(url, fields)
    end
end
return found
