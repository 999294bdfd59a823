#!lua flags=allow-oom
-- Remembers uses. ARGV[2]...: when each of the replicas was used.
local life = 366 * 86400
for at = firstReplica, #KEYS do
    local hash, used = hashOf(KEYS[at]), usedAt(ARGV[at - firstReplica + 2])
    local fields = read(hash)
    if fields.status == 'present' then
        redis.call('ZADD', present, 'GT', used, hash)
        -- Seldom, because it changes the record.
        if fields.marked_at or redis.call('TTL', KEYS[at]) < life / 2 then redis.call('EXPIRE', KEYS[at], life) end
        if fields.marked_at then
            fields.marked_at = nil
            fields.last_used = redis.call('ZSCORE', present, hash)
            redis.call('HDEL', KEYS[at], 'marked_at')
            tell(hash, fields)
        end
    elseif not fields.status then
        -- Somebody still hands it out.
        mend(hash, fields)
    end
end
return 1
