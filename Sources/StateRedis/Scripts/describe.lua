-- Adds what the pool says of a present replica's object. ARGV[2]...: the record, whose size, digest and time must be those that are there.
local hash = hashOf(KEYS[firstReplica])
local fields, described = read(hash), record(ARGV, 2)
if fields.status ~= 'present' then return 0 end
for _, field in ipairs({ 'size', 'sha256', 'stored_at' }) do
    if fields[field] ~= described[field] then return 0 end
end
for _, field in ipairs({ 'etag', 'last_modified', 'content_type', 'content_encoding', 'content_disposition' }) do
    if described[field] then
        redis.call('HSET', KEYS[firstReplica], field, described[field])
    elseif fields[field] then
        redis.call('HDEL', KEYS[firstReplica], field)
    end
end
return 1
