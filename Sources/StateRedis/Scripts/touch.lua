#!lua flags=allow-oom
-- Remembers uses. ARGV[2]...: when each of the replicas was used.
local life = 366 * 86400
for at = firstReplica, #KEYS do
    local url, used = urlOf(KEYS[at]), ARGV[at - firstReplica + 2]
    local fields = read(url)
    if fields.status == 'present' then
        redis.call('ZADD', present, 'GT', used, url)
        -- Seldom, because it changes the record.
        if fields.marked_at or redis.call('TTL', KEYS[at]) < life / 2 then redis.call('EXPIRE', KEYS[at], life) end
        if fields.marked_at then
            fields.marked_at = nil
            fields.last_used = redis.call('ZSCORE', present, url)
            redis.call('HDEL', KEYS[at], 'marked_at')
            tell(url, fields)
        end
    elseif not fields.status then
        -- Somebody still hands it out.
        mend(url, fields)
    end
end
return 1
