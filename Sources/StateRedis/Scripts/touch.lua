#!lua flags=allow-oom
-- Remembers uses. ARGV[2]...: when each of the replicas was used.
for at = firstReplica, #KEYS do
    local url, used = urlOf(KEYS[at]), ARGV[at - firstReplica + 2]
    local fields = read(url)
    if fields.status == 'present' then
        local isLater = numberIn(fields, 'last_used') < tonumber(used)
        if isLater then
            fields.last_used = used
            redis.call('HSET', KEYS[at], 'last_used', used)
            redis.call('ZADD', present, used, url)
        end
        if isLater or fields.marked_at then redis.call('EXPIRE', KEYS[at], 366 * 86400) end
        if fields.marked_at then
            fields.marked_at = nil
            redis.call('HDEL', KEYS[at], 'marked_at')
            tell(url, fields)
        end
    elseif not fields.status then
        -- Somebody still hands it out.
        mend(url, fields)
    end
end
return 1
