
-- A pending replica whose job is missing in one of its places would wait for ever: the stream, `due`, its lane, or the list of lanes. It is put
-- into all of them again, as it stands in the record.
local function repairJob(hash, fields)
    local lane = laneOf(fields)
    local isQueued = string.match(fields.entry or '', '^%d+%-%d+$') and redis.call('XRANGE', jobs, fields.entry, fields.entry)[1]
    local name = fields.entry and dueName(fields.entry, hash)
    local at = name and redis.call('ZSCORE', due, name)
    if isQueued and at and redis.call('ZSCORE', laneKey .. lane, name) and redis.call('ZSCORE', lanes, lane) then return end

    local queuedAt = text(math.min(tonumber(fields.queued_at) or now, now))
    -- Of a lease whose end is not known a living worker tells it within the minute.
    at = at or fields.token and text(now + 60000) or queuedAt
    if isQueued then
        setDue(fields.entry, hash, lane, at)
    else
        if fields.entry then endJob(hash, fields.entry, lane) end
        fields.entry = queue(hash, queuedAt, lane, at)
        redis.call('HSET', replicas .. hash, 'entry', fields.entry)
    end
    tell(hash, { status = 'pending' }, fields.url)
end
