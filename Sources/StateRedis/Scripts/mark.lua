#!lua flags=allow-oom
-- Marks present replicas that were not used after ARGV[2]; returns which of them, counted from 1.
local marked = {}
for at = firstReplica, #KEYS do
    local hash = hashOf(KEYS[at])
    local fields = read(hash)
    if fields.status == 'present' and not fields.marked_at and numberIn(fields, 'last_used') <= tonumber(ARGV[2]) then
        fields.marked_at = nowText
        redis.call('HSET', KEYS[at], 'marked_at', fields.marked_at)
        redis.call('EXPIRE', KEYS[at], 366 * 86400)
        tell(hash, fields)
        marked[#marked + 1] = at - firstReplica + 1
    end
end
return marked
