-- Shared by all scripts: put in front of each, behind its first line where that one says how the server is to run it.
--
-- A script is one transition of one pool. Its keys are those of the pool, and from the eighth on those of the replicas that the call names;
-- only listings make up names of replicas' keys, and a replica's name gives that of its query. A replica is named by the SHA-256 of its URL, which
-- stands in its record and nowhere else. ARGV[1] is the time in milliseconds, or empty for the server's own.
--
-- Lua's numbers are doubles: exact up to 2^53, and written by text(), because tostring() would round them.

local counters, present, errors, removing, jobs, due, dead = unpack(KEYS, 1, 7)
local base = string.sub(counters, 1, -1 - #'counters')
local group = 'copiers'
local firstReplica = 8

local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = tonumber(ARGV[1]) or math.floor(micros / 1000)

local function text(number) return string.format('%.0f', number) end

-- A number that no job, no lease and no removal had before. By the clock, so that neither an empty server nor one that lost its last writes gives one
-- again.
local function nextNumber()
    local last = tonumber(redis.call('HGET', counters, 'number') or 0) or 0
    local number = text(math.max(last + 1, micros))
    redis.call('HSET', counters, 'number', number)
    return number
end

-- Of a time until which somebody waits: no later than the whole wait from now. It was written before the clock was put back, or before a fail-over
-- to a server whose clock is behind.
local function clamped(at, wait) return math.min(tonumber(at) or 0, now + (tonumber(wait) or 0)) end

-- Of a use: one that lies far ahead was noted by a clock that is wrong, and counts as one now.
local function usedAt(at) return (tonumber(at) or 0) > now + 3600000 and text(now) or at end

-- Records: tables of fields. An empty one is an absent replica.

local function keyOf(hash) return base .. 'replica:' .. hash end
-- What the artifact is to be fetched with, kept for as long as its copy takes.
local function queryOf(hash) return base .. 'query:' .. hash end
local function hashOf(key) return string.sub(key, #base + #'replica:' + 1) end

-- A URL stands in fields u1, u2, … of 64 bytes each: a hash with a longer value would take several times the memory.
local chunk = 64

local function record(list, from, to)
    local fields, parts = {}, {}
    for at = from, (to or #list) - 1, 2 do fields[list[at]] = list[at + 1] end
    while fields['u' .. #parts + 1] do
        local name = 'u' .. #parts + 1
        parts[#parts + 1], fields[name] = fields[name], nil
    end
    if parts[1] then fields.url = table.concat(parts) end
    return fields
end

-- When an error may be tried again.
local function retryAt(fields) return clamped(fields.retry_at, fields.wait) end

-- Uses are only written down as scores of `present`: a record that changed would be forgotten by every node that remembers it.
local function withUse(hash, fields)
    if fields.status == 'present' then fields.last_used = redis.call('ZSCORE', present, hash) or fields.last_used end
    return fields
end

local function read(hash) return withUse(hash, record(redis.call('HGETALL', keyOf(hash)), 1)) end

-- For listings, which one key of another type must not end; nil for such a one.
local function readIfRecord(hash)
    local list = redis.pcall('HGETALL', keyOf(hash))
    return not list.err and withUse(hash, record(list, 1)) or nil
end

-- The fields and values of a record in turn, behind what the list begins with.
local function flat(list, fields)
    for field, value in pairs(fields) do
        list[#list + 1] = field
        list[#list + 1] = value
    end
    return list
end

-- Writes a record over the one that is there; its URL only where there was none.
local function write(key, old, new)
    local words = {}
    for field, value in pairs(new) do
        if field ~= 'url' then
            words[#words + 1], words[#words + 2] = field, value
        elseif not old.url then
            for at = 1, #value, chunk do
                words[#words + 1], words[#words + 2] = 'u' .. (at - 1) / chunk + 1, string.sub(value, at, at + chunk - 1)
            end
        end
    end
    redis.call('HSET', key, unpack(words))
    for field in pairs(old) do
        if new[field] == nil then redis.call('HDEL', key, field) end
    end
end

local function numberIn(fields, field) return tonumber(fields[field]) or 0 end

-- Of an error as a node reports it, with how long it lasts: the node's clock may be another than the server's.
local function setRetry(fields)
    local wait = numberIn(fields, 'wait')
    fields.retry_at, fields.wait = text(now + wait), text(math.max(wait, 0))
end

-- A field as the score of a sorted set, which takes everything that is a number but nan.
local function scoreIn(fields, field)
    local number = tonumber(fields[field])
    return number and number == number and fields[field] or '0'
end

-- Indexes. For each status there is a set of the replicas in it, in the order of their hashes. A member is the hash, a space, and what is counted of the
-- replica: the size of a present one, of others what they cost. So it can be taken back when the record is gone, by eviction for one.

local statuses = { 'pending', 'present', 'error', 'removing' }
local function allOf(status) return base .. 'all:' .. status end

-- What is counted of a replica with this status; nil where it is not known.
local function counted(hash, status)
    -- '!' follows the space.
    local member = redis.call('ZRANGEBYLEX', allOf(status), '[' .. hash .. ' ', '(' .. hash .. '!', 'LIMIT', 0, 1)[1]
    return member and string.sub(member, #hash + 2)
end

-- Hexadecimal digits, which every locale has in the same order; nothing comes before all.
local function isBehind(hash, other) return hash > other end

-- A sum that would overflow stays as it is: sizes come from a pool's answer, and an absurd one must not stop the rest.
local function addBytes(hash, sign, size)
    redis.pcall('HINCRBY', counters, 'bytes', sign .. size)
    local recounted = redis.call('HGET', counters, 'recount_after')
    if recounted and not isBehind(hash, recounted) then redis.pcall('HINCRBY', counters, 'recount_bytes', sign .. size) end
end

-- What pending replicas and errors cost, whose names strangers make up: no more than this for each of the two.
local maxHeldBytes = 33554432
local function cost(hash) return #hash + 512 end
local function heldBytes(what) return tonumber(redis.call('HGET', counters, what)) or 0 end

local function unindex(hash)
    redis.call('ZREM', present, hash)
    redis.call('ZREM', errors, hash)
    redis.call('ZREM', removing, hash)
    for _, status in ipairs(statuses) do
        local noted = counted(hash, status)
        if noted then
            redis.call('ZREM', allOf(status), hash .. ' ' .. noted)
            if status == 'present' then
                addBytes(hash, '-', noted)
            elseif status ~= 'removing' then
                redis.call('HINCRBY', counters, status .. '_bytes', '-' .. noted)
            end
        end
    end
end

local function index(hash, fields)
    local status, noted = fields.status, cost(fields.url or '')
    if status == 'present' then
        noted = string.match(fields.size or '', '^%d+$') or '0'
        redis.call('ZADD', present, scoreIn(fields, 'last_used'), hash)
        addBytes(hash, '', noted)
    elseif status == 'removing' then
        redis.call('ZADD', removing, scoreIn(fields, 'ends'), hash)
    elseif status == 'error' or status == 'pending' then
        if status == 'error' then redis.call('ZADD', errors, scoreIn(fields, 'retry_at'), hash) end
        redis.call('HINCRBY', counters, status .. '_bytes', noted)
    else
        return
    end
    redis.call('ZADD', allOf(status), 0, hash .. ' ' .. noted)
end

-- Changes: netstrings (length, colon, bytes) of the URL and of what others need to know of the record; the URL alone is an absent replica. Of one whose
-- record is gone the hash stands in its place.

local toldFields = {
    'status', 'size', 'sha256', 'stored_at', 'last_used', 'marked_at', 'reason', 'origin_status', 'message', 'retry_at',
    'etag', 'last_modified', 'content_type', 'content_encoding', 'content_disposition',
}

local function tell(hash, fields, url)
    local name = url or fields.url or hash
    local parts = { #name .. ':' .. name }
    for _, field in ipairs(toldFields) do
        local value = fields[field]
        if value then parts[#parts + 1] = #field .. ':' .. field .. #value .. ':' .. value end
    end
    redis.call('PUBLISH', base .. 'changes', table.concat(parts))
end

-- Jobs. A pending replica names its entry of the stream. `due` holds when each job can be leased: since when it is queued, when its lease
-- runs out, or when it may be tried again; named so that of the same time the older one comes first.
--
-- A lane holds the same of the jobs of one origin, or of those whose last attempt never ended, and `lanes` when the first job of each lane
-- can be leased. So the first job is found by a look at each lane that is passed over, and none at the jobs in it.

local lanes = base .. 'lanes'
-- A member of `lanes` behind all lanes, which says that the others are all there: it is lost with them.
local whole = ' whole'
local unfinished = 'unfinished'

local function laneKey(lane) return base .. 'lane:' .. lane end

local function laneOf(fields)
    if numberIn(fields, 'unfinished') > 0 then return unfinished end
    return fields.url and string.match(fields.url, '^%a+://[^/]*') or ''
end

local function dueName(entry, hash)
    return string.format('%016.0f', tonumber(string.match(entry, '^%d+')) or 0) .. ' ' .. hash
end

local function updateLane(lane)
    local head = redis.call('ZRANGE', laneKey(lane), 0, 0, 'WITHSCORES')
    if head[1] then redis.call('ZADD', lanes, head[2], lane) else redis.call('ZREM', lanes, lane) end
end

local function setDue(entry, hash, lane, at)
    local name = dueName(entry, hash)
    redis.call('ZADD', due, at, name)
    redis.call('ZADD', laneKey(lane), at, name)
    updateLane(lane)
end

local function leaveLane(entry, hash, lane)
    redis.call('ZREM', laneKey(lane), dueName(entry, hash))
    updateLane(lane)
end

local function queue(hash, queuedAt, lane)
    local entry = nextNumber() .. '-0'
    redis.call('XADD', jobs, entry, 'hash', hash, 'at', queuedAt)
    if redis.call('ZCARD', due) == 0 then redis.call('ZADD', lanes, '+inf', whole) end
    setDue(entry, hash, lane, queuedAt)
    return entry
end

local function endJob(hash, entry, lane)
    if not string.match(entry, '^%d+%-%d+$') then return end
    redis.call('XACK', jobs, group, entry)
    redis.call('XDEL', jobs, entry)
    redis.call('ZREM', due, dueName(entry, hash))
    leaveLane(entry, hash, lane)
end

-- Queries that are kept, by when that was, and what each costs. Bounded like everything that strangers make up: the oldest go.
local queries, querySizes = base .. 'queries', base .. 'query_sizes'
local maxQueries, maxQueryBytes = 10000, 16777216

local function dropQuery(hash)
    local bytes = redis.call('HGET', querySizes, hash)
    redis.call('DEL', queryOf(hash))
    if not bytes then return end
    redis.call('ZREM', queries, hash)
    redis.call('HDEL', querySizes, hash)
    redis.call('HINCRBY', counters, 'query_bytes', -tonumber(bytes))
end

local function isQueued(entry)
    return string.match(entry or '', '^%d+%-%d+$') and redis.call('XRANGE', jobs, entry, entry)[1]
end

-- Replaces a record with all that is counted of it, and tells of it.
--
-- What may be evicted has a time to live. The first write is one that a server without memory refuses, before anything is changed.
local function store(hash, old, new)
    local key = keyOf(hash)
    if next(new) then
        new.url = old.url or new.url
        if new.status == 'present' then new.last_used = usedAt(new.last_used) end
        write(key, old, new)
        if new.status == 'present' or new.status == 'error' then
            redis.call('EXPIRE', key, 366 * 86400)
        else
            redis.call('PERSIST', key)
        end
    else
        redis.call('DEL', key)
    end
    if old.entry and old.entry ~= new.entry then endJob(hash, old.entry, laneOf(old)) end
    if new.status ~= 'pending' then dropQuery(hash) end
    unindex(hash)
    if next(new) then index(hash, new) end
    tell(hash, new, old.url)
end

-- Mends what the indexes say of a replica that is not what they say. Of one whose record is gone nothing is left, and that is told, also
-- where no index knew of it: somebody may remember it.
local function mend(hash, fields)
    unindex(hash)
    if next(fields) then
        index(hash, fields)
    else
        tell(hash, fields)
    end
end

-- Removals. The record holds the token of whoever is at it, and `removing` when somebody else may take it over.

local function isAbandoned(fields) return not fields.token or clamped(fields.ends, fields.wait) <= now end

-- Replaces the record of a replica under removal by another of that kind, of which nobody is told.
local function setRemoval(hash, old, new)
    new.status, new.url = 'removing', old.url
    write(keyOf(hash), old, new)
    redis.call('ZADD', removing, new.ends, hash)
end

-- `removed` holds of the removals that ended last the numbers that they ended with. Its first member has no name: all that ended up to its number may be
-- missing.
local removed = base .. 'removed'
local maxRemoved = 10000

local function rememberRemovals()
    if not redis.call('ZSCORE', removed, '') then redis.call('ZADD', removed, nextNumber(), '') end
end

-- To be called when a removal ends.
local function noteRemoval(hash)
    rememberRemovals()
    local number = nextNumber()
    redis.call('ZADD', removed, number, hash)
    if redis.call('ZCARD', removed) > maxRemoved then
        local oldest = redis.call('ZRANGE', removed, 1, 1, 'WITHSCORES')
        redis.call('ZREM', removed, oldest[1])
        redis.call('ZADD', removed, oldest[2], '')
    end
end

-- Whether the replica was not removed since a moment. Where nothing is known of that time it may have been.
local function isUntouched(hash, moment)
    local complete, number = redis.call('ZSCORE', removed, ''), redis.call('ZSCORE', removed, hash)
    return complete and tonumber(complete) <= moment and (not number or tonumber(number) <= moment)
end

-- Drops the oldest errors where there are too many of them, but not the newest.
local function dropErrors(newest, maxErrors)
    while redis.call('ZCARD', errors) > maxErrors or heldBytes('error_bytes') > maxHeldBytes do
        local oldest = redis.call('ZRANGE', errors, 0, 1)
        local hash = oldest[1] ~= newest and oldest[1] or oldest[2]
        if not hash then
            -- No others: what was counted is of some whose index was lost.
            redis.call('HDEL', counters, 'error_bytes')
            return
        end
        local fields = readIfRecord(hash) or {}
        if fields.status == 'error' then store(hash, fields, {}) else mend(hash, fields) end
    end
end

-- Writes down a job that was given up, for people who look.
local function buryJob(hash, old, new)
    redis.call(
        'XADD', dead, 'MAXLEN', '~', 1000, '*', 'url', old.url or '', 'attempts', old.attempts or '0', 'reason', new.reason or '',
        'message', new.message or '', 'at', text(now))
end

-- Lanes that a call passes over: as many of its arguments as ARGV[at] says, from the one behind that.
local function lanesPassed(at)
    local passed = { count = tonumber(ARGV[at]), names = {} }
    for position = at + 1, at + passed.count do passed.names[ARGV[position]] = true end
    return passed
end

-- Puts jobs into their lanes that are in none: queued by an older version, or lost with a key. A page with each call; looks no further
-- than at three numbers where all is well.
local function mendLanes()
    local queued = redis.call('ZCARD', due)
    local isRight = redis.call('XLEN', jobs) == queued and (queued == 0 or redis.call('ZSCORE', lanes, whole))
    if isRight then return end
    local after = redis.call('HGET', counters, 'mended_to')
    local page = redis.call('XRANGE', jobs, after and '(' .. after or '-', '+', 'COUNT', 200)
    for _, entry in ipairs(page) do
        local queued = record(entry[2], 1)
        local hash = queued.hash or ''
        local fields = readIfRecord(hash)
        if fields and fields.status == 'pending' and fields.entry == entry[1] then
            -- Of a lease whose end is not known a living worker tells it within the minute.
            local at = redis.call('ZSCORE', due, dueName(entry[1], hash)) or fields.token and text(now + 60000)
                or text(math.min(tonumber(scoreIn(queued, 'at')), now))
            setDue(entry[1], hash, laneOf(fields), at)
        else
            endJob(hash, entry[1], laneOf({}))
        end
        after = entry[1]
    end
    if #page == 200 then
        redis.call('HSET', counters, 'mended_to', after)
    else
        redis.call('HDEL', counters, 'mended_to')
        redis.call('ZADD', lanes, '+inf', whole)
    end
end

-- Brings back what lies in the future since the clock was put back: jobs, uses, errors and removals. A part of them with each call, those that lie furthest first.
-- `clock` is the time of about the last call, `is_behind` says that there may be more.
local function clampTimes()
    local seen = redis.call('HMGET', counters, 'clock', 'is_behind')
    local last = tonumber(seen[1]) or 0
    -- A server without memory takes no note of the time, and answers all the same.
    if now < last or now > last + 1000 then redis.pcall('HSET', counters, 'clock', text(now)) end
    if now < last then redis.pcall('HSET', counters, 'is_behind', '1') elseif not seen[2] then return end

    local isAny = false
    for _, hash in ipairs(redis.call('ZRANGEBYSCORE', present, '(' .. text(now), '+inf', 'LIMIT', 0, 1000)) do
        redis.call('ZADD', present, text(now), hash)
        isAny = true
    end
    local late = redis.call('ZREVRANGEBYSCORE', due, '+inf', '(' .. text(now), 'WITHSCORES', 'LIMIT', 0, 1000)
    for position = 1, #late, 2 do
        local number, hash = string.match(late[position], '^0*(%d+) (.*)$')
        local fields = readIfRecord(hash) or {}
        local at = clamped(late[position + 1], fields.wait)
        if at < tonumber(late[position + 1]) then
            setDue(number .. '-0', hash, laneOf(fields), text(at))
            isAny = true
        end
    end
    for field, set in pairs({ retry_at = errors, ends = removing }) do
        late = redis.call('ZREVRANGEBYSCORE', set, '+inf', '(' .. text(now), 'WITHSCORES', 'LIMIT', 0, 1000)
        for position = 1, #late, 2 do
            local hash = late[position]
            local fields = readIfRecord(hash) or {}
            local at = clamped(late[position + 1], fields.wait)
            if fields[field] and at < tonumber(late[position + 1]) then
                redis.call('HSET', keyOf(hash), field, text(at))
                redis.call('ZADD', set, text(at), hash)
                isAny = true
            end
        end
    end
    if not isAny then redis.call('HDEL', counters, 'is_behind') end
end

-- A pending replica whose job is missing in one of its places would wait for ever: the stream, `due`, its lane, or the list of lanes.
local function hasJob(hash, fields)
    if not isQueued(fields.entry) then return false end
    local name, lane = dueName(fields.entry, hash), laneOf(fields)
    return redis.call('ZSCORE', due, name) and redis.call('ZSCORE', laneKey(lane), name) and redis.call('ZSCORE', lanes, lane)
end

-- Puts the job of a pending replica into all its places again, as it stands in the record. Of a lease whose end is not known a living worker
-- tells it within the minute.
local function restoreJob(hash, fields)
    local lane = laneOf(fields)
    local at = fields.entry and redis.call('ZSCORE', due, dueName(fields.entry, hash))
    local queuedAt = text(math.min(tonumber(fields.queued_at) or now, now))
    if not isQueued(fields.entry) then
        if fields.entry then endJob(hash, fields.entry, lane) end
        fields.entry = queue(hash, queuedAt, lane)
        redis.call('HSET', keyOf(hash), 'entry', fields.entry)
    end
    setDue(fields.entry, hash, lane, at or fields.token and text(now + 60000) or queuedAt)
    tell(hash, { status = 'pending' }, fields.url)
end

local function headOfLanes(passed)
    local first
    -- Some more, because of lanes whose first jobs are of the same time the one with the oldest is wanted.
    local heads = redis.call('ZRANGE', lanes, 0, passed.count + 8, 'WITHSCORES')
    for position = 1, #heads, 2 do
        local lane, at = heads[position], tonumber(heads[position + 1])
        if lane == whole or first and at > first.at then break end
        local head = not passed.names[lane] and redis.call('ZRANGE', laneKey(lane), 0, 0)[1]
        if head == nil then
            -- Its key was lost, and the jobs in it with it: the next count of the pool puts them back.
            updateLane(lane)
            redis.call('HDEL', counters, 'recounted_at')
        elseif head then
            local number, hash = string.match(head, '^0*(%d+) (.*)$')
            if not first or tonumber(number) < first.number then
                first = { at = at, number = tonumber(number), entry = number .. '-0', hash = hash, lane = lane }
            end
        end
    end
    return first
end

-- The job that is due first in the lanes that are not passed over. nil when there is none.
local function firstJob(passed)
    mendLanes()
    clampTimes()
    return headOfLanes(passed)
end

-- In the name of the worker, for people who look at the stream. False when the stream does not have the entry.
local function showLease(entry, worker)
    local claimed = redis.pcall('XCLAIM', jobs, group, worker, 0, entry, 'FORCE', 'JUSTID')
    if claimed.err and not redis.pcall('XGROUP', 'CREATE', jobs, group, 0).err then
        claimed = redis.pcall('XCLAIM', jobs, group, worker, 0, entry, 'FORCE', 'JUSTID')
    end
    return not claimed.err and claimed[1] == entry
end

-- Leases the job that is due first. ARGV[at]: how many arguments follow that are for this. They are the worker, for how many milliseconds, leases that may
-- run out before a job is set aside, errors at most, from how many sets of lanes to choose, each of them as lanesPassed() has it, then the record of a
-- replica whose job is set aside. Of the first set with a due job outside it the job is taken.
--
-- Returns 'leased', URL, token, attempt, end of the lease, the time, how many leases of the job ran out, and when it was queued; 'aside' and the URL when
-- the job was set aside instead; 'moved' when it was put into another lane; 'none' when no job is due, with when one is outside the last set, and the time.
local function leaseNext(at)
    local worker, duration, maxUnfinished = ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local choices, from, job = {}, at + 6, nil
    for number = 1, tonumber(ARGV[at + 5]) do
        choices[number] = lanesPassed(from)
        from = from + 1 + choices[number].count
    end
    for _, passed in ipairs(choices) do
        -- More entries than these that are nobody's would be somebody's mischief; the next call goes on.
        for _ = 1, 1000 do
            job = firstJob(passed)
            if not job or job.at > now then break end
            local key = keyOf(job.hash)
            local fields = read(job.hash)
            if fields.status ~= 'pending' or fields.entry ~= job.entry or not fields.url then
                endJob(job.hash, job.entry, job.lane)
            elseif fields.token then
                -- Its lease ran out: the attempt was begun and never ended.
                local count = numberIn(fields, 'unfinished') + 1
                if count >= maxUnfinished then
                    local new = record(ARGV, from, at + tonumber(ARGV[at]))
                    setRetry(new)
                    store(job.hash, fields, new)
                    buryJob(job.hash, fields, new)
                    dropErrors(job.hash, tonumber(ARGV[at + 4]))
                    return { 'aside', fields.url }
                end
                redis.call('HSET', key, 'unfinished', count)
                redis.call('HDEL', key, 'token', 'worker')
                leaveLane(job.entry, job.hash, job.lane)
                setDue(job.entry, job.hash, unfinished, text(job.at))
                return { 'moved' }
            elseif showLease(job.entry, worker) then
                local token, attempts, expires = nextNumber(), text(numberIn(fields, 'attempts') + 1), text(now + duration)
                redis.call('HSET', key, 'token', token, 'worker', worker, 'attempts', attempts, 'wait', text(duration))
                setDue(job.entry, job.hash, job.lane, expires)
                local queuedAt = text(math.min(tonumber(fields.queued_at) or now, now))
                return { 'leased', fields.url, token, attempts, expires, text(now), text(numberIn(fields, 'unfinished')), queuedAt }
            else
                -- Queued anew, in its old place by time.
                endJob(job.hash, job.entry, job.lane)
                redis.call('HSET', key, 'entry', queue(job.hash, fields.queued_at or text(now), job.lane))
            end
        end
    end
    if not job then return { 'none' } end
    return { 'none', text(job.at), text(now) }
end

-- The same behind another transition: nothing when no arguments are for this.
local function leaseAlso(at)
    if ARGV[at] == '0' then return {} end
    local outcome
    repeat outcome = leaseNext(at) until outcome[1] ~= 'moved'
    return outcome
end
