#!lua flags=allow-oom
-- Remembers uses. ARGV[2]...: when each of the replicas was used.
local life = 366 * 86400
for at = firstReplica, #KEYS do
    local key, hash, used = KEYS[at], hashOf(KEYS[at]), usedAt(ARGV[at - firstReplica + 2])
    local seen = redis.call('HMGET', key, 'status', 'marked_at')
    local status, isMarked = seen[1], seen[2]
    if status == 'present' then
        redis.call('ZADD', present, 'GT', used, hash)
        -- Seldom, because it changes the record.
        if isMarked or redis.call('TTL', key) < life / 2 then redis.call('EXPIRE', key, life) end
        if isMarked then
            redis.call('HDEL', key, 'marked_at')
            tell(hash, read(hash))
        end
    elseif not status then
        -- Somebody still hands it out.
        mend(hash, read(hash))
    end
end
return 1
