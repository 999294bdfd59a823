
-- Jobs. A pending replica names its entry of the stream. `due` holds when each job can be leased: since when it is queued, when its lease
-- runs out, or when it may be tried again; named so that of the same time the older one comes first.
--
-- A lane holds the same of the jobs of one origin, or of those whose last attempt never ended, and `lanes` when the first job of each lane
-- can be leased. So the first job is found by a look at each lane that is passed over, and none at the jobs in it.

local jobs, due, dead, group = base .. 'jobs', base .. 'due', base .. 'dead', 'copiers'
local lanes, laneKey = base .. 'lanes', base .. 'lane:'
-- A member of `lanes` behind all lanes, which says that the others are all there: it is lost with them.
local whole = ' whole'
local unfinished = 'unfinished'

local function laneOf(fields)
    if numberIn(fields, 'unfinished') > 0 then return unfinished end
    return fields.url and string.match(fields.url, '^%a+://[^/]*') or ''
end

local function dueName(entry, hash)
    local number = string.match(entry, '^%d+') or ''
    return string.rep('0', 16 - #number) .. number .. ' ' .. hash
end

local function updateLane(lane)
    local head = redis.call('ZRANGE', laneKey .. lane, '0', '0', 'WITHSCORES')
    if head[1] then redis.call('ZADD', lanes, head[2], lane) else redis.call('ZREM', lanes, lane) end
end

local function setDue(entry, hash, lane, at)
    local name = dueName(entry, hash)
    redis.call('ZADD', due, at, name)
    redis.call('ZADD', laneKey .. lane, at, name)
    updateLane(lane)
end

-- Queues a job, and says since when it is and when it can be leased.
local function queue(hash, queuedAt, lane, at)
    local entry = nextNumber() .. '-0'
    redis.call('XADD', jobs, entry, 'hash', hash, 'at', queuedAt)
    if redis.call('ZCARD', due) == 0 then redis.call('ZADD', lanes, '+inf', whole) end
    setDue(entry, hash, lane, at)
    return entry
end

local function endJob(hash, entry, lane)
    if not string.match(entry, '^%d+%-%d+$') then return end
    local name = dueName(entry, hash)
    redis.call('XACK', jobs, group, entry)
    redis.call('XDEL', jobs, entry)
    redis.call('ZREM', due, name)
    redis.call('ZREM', laneKey .. lane, name)
    updateLane(lane)
end

-- What artifacts are to be fetched with is kept for as long as their copies take: the queries themselves, by when that was, and what each costs.
local queryKey, queries, querySizes = base .. 'query:', base .. 'queries', base .. 'query_sizes'

local function dropQuery(hash)
    local bytes = redis.call('HGET', querySizes, hash)
    redis.call('DEL', queryKey .. hash)
    if not bytes then return end
    redis.call('ZREM', queries, hash)
    redis.call('HDEL', querySizes, hash)
    redis.call('HINCRBY', counters, 'query_bytes', -tonumber(bytes))
end

-- Replaces a record with all that is counted of it, and tells of it.
--
-- What may be evicted has a time to live. The first write is one that a server without memory refuses, before anything is changed.
local function store(hash, old, new)
    if next(new) then
        new.url = old.url or new.url
        if new.status == 'present' then new.last_used = usedAt(new.last_used) end
        write(hash, old, new)
        if new.status == 'present' or new.status == 'error' then
            redis.call('EXPIRE', replicas .. hash, '31622400')
        elseif next(old) then
            redis.call('PERSIST', replicas .. hash)
        end
    else
        redis.call('DEL', replicas .. hash)
    end
    if old.entry and old.entry ~= new.entry then endJob(hash, old.entry, laneOf(old)) end
    if new.status ~= 'pending' then dropQuery(hash) end
    unindex(hash, old)
    if next(new) then index(hash, new) end
    tell(hash, new, old.url)
end

-- Makes a replica an error, which lasts for as long as its `wait` says: the clock of the node that reports it may be another than the server's.
-- Drops the oldest errors where there are more than `maxErrors`, but not this one. A job that is given up is written down, for people who look.
local function storeError(hash, old, new, maxErrors, isGivenUp)
    local wait = numberIn(new, 'wait')
    new.retry_at, new.wait = text(now + wait), text(math.max(wait, 0))
    store(hash, old, new)
    if isGivenUp then
        redis.call(
            'XADD', dead, 'MAXLEN', '~', '1000', '*', 'url', old.url or '', 'attempts', old.attempts or '0', 'reason', new.reason or '',
            'message', new.message or '', 'at', nowText)
    end
    while redis.call('ZCARD', errors) > maxErrors or heldBytes('error_bytes') > maxHeldBytes do
        local oldest = redis.call('ZRANGE', errors, '0', '1')
        local other = oldest[1] ~= hash and oldest[1] or oldest[2]
        if not other then
            -- No others: what was counted is of some whose index was lost.
            redis.call('HDEL', counters, 'error_bytes')
            return
        end
        local fields = read(other, redis.pcall) or {}
        if fields.status == 'error' then store(other, fields, {}) else mend(other, fields) end
    end
end
