#!lua flags=allow-oom
-- Makes those of the replicas absent that are errors whose time was over before ARGV[2].
for at = firstReplica, #KEYS do
    local hash = hashOf(KEYS[at])
    local fields = read(hash)
    if fields.status == 'error' and clamped(fields.retry_at, fields.wait) < tonumber(ARGV[2]) then
        store(hash, fields, {})
    else
        mend(hash, fields)
    end
end
return 1
