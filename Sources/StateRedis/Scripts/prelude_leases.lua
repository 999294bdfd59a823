
-- Which job to lease. ARGV[at]: how many arguments follow that are for this, 0 to lease none. They are the worker, for how many milliseconds,
-- leases that may run out before a job is set aside, and then errors at most, the error's message and for how many milliseconds it lasts; from
-- how many sets of lanes to choose, and each of them as lanesPassed() has it. Of the first set with a due job outside it the job is taken.
local function termsAt(at)
    if ARGV[at] == '0' then return nil end
    local terms = {
        worker = ARGV[at + 1], duration = ARGV[at + 2], maxUnfinished = tonumber(ARGV[at + 3]), maxErrors = tonumber(ARGV[at + 4]),
        message = ARGV[at + 5], wait = ARGV[at + 6], choices = {},
    }
    local set = at + 8
    for number = 1, tonumber(ARGV[at + 7]) do
        terms.choices[number] = lanesPassed(set)
        set = set + 1 + terms.choices[number].count
    end
    return terms
end

-- In the name of the worker, for people who look at the stream. False when the stream does not have the entry.
local function showLease(entry, worker)
    local claimed = redis.pcall('XCLAIM', jobs, group, worker, '0', entry, 'FORCE', 'JUSTID')
    if claimed.err and not redis.pcall('XGROUP', 'CREATE', jobs, group, '0').err then
        claimed = redis.pcall('XCLAIM', jobs, group, worker, '0', entry, 'FORCE', 'JUSTID')
    end
    return not claimed.err and claimed[1] == entry
end

-- Leases the job that is due first.
--
-- Returns 'leased', URL, token, attempt, end of the lease, the time, how many leases of the job ran out, and when it was queued; 'aside' and the
-- URL when the job was set aside instead; 'moved' when it was put into another lane; 'none' when no job is due, with when one is outside the last
-- set, and the time.
local function leaseNext(terms)
    local job
    for _, passed in ipairs(terms.choices) do
        -- More entries than these that are nobody's would be somebody's mischief; the next call goes on.
        for _ = 1, 1000 do
            job = firstJob(passed)
            if not job or job.at > now then break end
            local key = replicas .. job.hash
            local fields = read(job.hash)
            if fields.status ~= 'pending' or fields.entry ~= job.entry or not fields.url then
                endJob(job.hash, job.entry, job.lane)
            elseif fields.token then
                -- Its lease ran out: the attempt was begun and never ended.
                local times = numberIn(fields, 'unfinished') + 1
                if times >= terms.maxUnfinished then
                    local new = { status = 'error', reason = 'unfinished', message = terms.message, wait = terms.wait }
                    storeError(job.hash, fields, new, terms.maxErrors, true)
                    return { 'aside', fields.url }
                end
                redis.call('HSET', key, 'unfinished', times)
                redis.call('HDEL', key, 'token', 'worker')
                redis.call('ZREM', laneKey .. job.lane, dueName(job.entry, job.hash))
                updateLane(job.lane)
                setDue(job.entry, job.hash, unfinished, job.due)
                return { 'moved' }
            elseif showLease(job.entry, terms.worker) then
                local token, attempts, expires = nextNumber(), text(numberIn(fields, 'attempts') + 1), text(now + terms.duration)
                redis.call('HSET', key, 'token', token, 'worker', terms.worker, 'attempts', attempts, 'wait', terms.duration)
                setDue(job.entry, job.hash, job.lane, expires)
                local queuedAt = text(math.min(tonumber(fields.queued_at) or now, now))
                return { 'leased', fields.url, token, attempts, expires, nowText, text(numberIn(fields, 'unfinished')), queuedAt }
            else
                -- Queued anew, in its old place by time.
                endJob(job.hash, job.entry, job.lane)
                local queuedAt = text(math.min(tonumber(fields.queued_at) or now, now))
                redis.call('HSET', key, 'entry', queue(job.hash, queuedAt, job.lane, queuedAt))
            end
        end
    end
    if not job then return { 'none' } end
    return { 'none', job.due, nowText }
end

-- The same behind another transition: nothing when no terms are given.
local function leaseAlso(terms)
    if not terms then return {} end
    local outcome
    repeat outcome = leaseNext(terms) until outcome[1] ~= 'moved'
    return outcome
end
