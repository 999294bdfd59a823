#!lua flags=allow-oom
-- Leases the job that is due first. ARGV[2]: the worker, ARGV[3]: for how many milliseconds, ARGV[4]: leases that may run out before a job is
-- set aside, ARGV[5]: errors at most, ARGV[6]: how many lanes are passed over, then those lanes, then the record of a replica whose job is set aside.
--
-- Returns URL, token, attempt, end of the lease, the time, how many leases of the job ran out, and when it was queued; the URL alone when the job was set aside
-- instead; nothing when it was put into another lane; false when no job is due.
local worker, duration, maxUnfinished = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local passed = lanesPassed(6)

-- In the name of the worker, for people who look at the stream. False when the stream does not have the entry.
local function show(entry)
    local claimed = redis.pcall('XCLAIM', jobs, group, worker, 0, entry, 'FORCE', 'JUSTID')
    if claimed.err and not redis.pcall('XGROUP', 'CREATE', jobs, group, 0).err then
        claimed = redis.pcall('XCLAIM', jobs, group, worker, 0, entry, 'FORCE', 'JUSTID')
    end
    return not claimed.err and claimed[1] == entry
end

-- More entries than these that are nobody's would be somebody's mischief; the next call goes on.
for _ = 1, 1000 do
    local job = firstJob(passed)
    if not job or job.at > now then return false end
    local key = keyOf(job.hash)
    local fields = read(job.hash)
    if fields.status ~= 'pending' or fields.entry ~= job.entry or not fields.url then
        endJob(job.hash, job.entry, job.lane)
    elseif fields.token then
        -- Its lease ran out: the attempt was begun and never ended.
        local count = numberIn(fields, 'unfinished') + 1
        if count >= maxUnfinished then
            local new = record(ARGV, 7 + passed.count)
            setRetry(new)
            store(job.hash, fields, new)
            buryJob(job.hash, fields, new)
            dropErrors(job.hash, tonumber(ARGV[5]))
            return { fields.url }
        end
        redis.call('HSET', key, 'unfinished', count)
        redis.call('HDEL', key, 'token', 'worker')
        leaveLane(job.entry, job.hash, job.lane)
        setDue(job.entry, job.hash, unfinished, text(job.at))
        return {}
    elseif show(job.entry) then
        local token, attempts, expires = nextNumber(), text(numberIn(fields, 'attempts') + 1), text(now + duration)
        redis.call('HSET', key, 'token', token, 'worker', worker, 'attempts', attempts, 'wait', text(duration))
        setDue(job.entry, job.hash, job.lane, expires)
        local queuedAt = text(math.min(tonumber(fields.queued_at) or now, now))
        return { fields.url, token, attempts, expires, text(now), text(numberIn(fields, 'unfinished')), queuedAt }
    else
        -- Queued anew, in its old place by time.
        endJob(job.hash, job.entry, job.lane)
        redis.call('HSET', key, 'entry', queue(job.hash, fields.queued_at or text(now), job.lane))
    end
end
return false
