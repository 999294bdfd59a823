#!lua flags=allow-oom
-- Leases the job that is due first. ARGV[2]: the worker, ARGV[3]: for how many milliseconds.
--
-- Returns URL, token, attempt, end of the lease and the time; false when no job is due.
local worker, duration = ARGV[2], tonumber(ARGV[3])

-- More entries than these that are nobody's would be somebody's mischief; the next call goes on.
for _ = 1, 1000 do
    local job = firstJob()
    if not job or job.at > now then return false end
    local fields = read(job.url)
    local name = dueName(job.entry, job.url)
    local isTaken = false
    if fields.status ~= 'pending' or fields.entry ~= job.entry then
        endJob(job.url, job.entry)
    elseif job.isDelivered then
        -- From the consumer that had it to this one.
        local claimed = redis.pcall('XAUTOCLAIM', jobs, group, worker, 0, job.entry, 'COUNT', 1, 'JUSTID')
        isTaken = not claimed.err and claimed[2][1] == job.entry
        if not isTaken then
            -- The group does not know of it, or the stream: queued anew, in its old place by time.
            endJob(job.url, job.entry)
            fields.entry = queue(job.url, fields.queued_at or text(now))
            redis.call('HSET', keyOf(job.url), 'entry', fields.entry)
        end
    else
        redis.call('XREADGROUP', 'GROUP', group, worker, 'COUNT', 1, 'STREAMS', jobs, '>')
        -- A group that was made anew delivers again what is leased or waits for its time: that is left as it is.
        isTaken = not redis.call('ZSCORE', due, name)
    end
    if isTaken then
        local token, attempts, expires = nextNumber(), text(numberIn(fields, 'attempts') + 1), text(now + duration)
        redis.call('HSET', keyOf(job.url), 'token', token, 'worker', worker, 'attempts', attempts)
        redis.call('ZADD', due, expires, name)
        return { job.url, token, attempts, expires, text(now) }
    end
end
return false
