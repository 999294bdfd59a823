#!lua flags=allow-oom
-- Makes those of the replicas absent that are errors whose time was over before ARGV[2].
for at = firstReplica, #KEYS do
    local url = urlOf(KEYS[at])
    local fields = read(url)
    if fields.status == 'error' and numberIn(fields, 'retry_at') < tonumber(ARGV[2]) then
        store(url, fields, {})
    else
        mend(url, fields)
    end
end
return 1
