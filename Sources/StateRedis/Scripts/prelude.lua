-- Shared by all scripts: put in front of each, behind its first line where that one says how the server is to run it.
--
-- A script is one transition of one pool. Its keys are those of the pool, and from the ninth on those of the replicas that the call names;
-- only listings make up names of replicas' keys, and a replica's name gives that of its query. ARGV[1] is the time in milliseconds, or empty for the server's own.
--
-- Lua's numbers are doubles: exact up to 2^53, and written by text(), because tostring() would round them.

local counters, urls, present, errors, removing, jobs, due, dead = unpack(KEYS, 1, 8)
local base = string.sub(counters, 1, -1 - #'counters')
local group = 'copiers'
local firstReplica = 9

local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = tonumber(ARGV[1]) or math.floor(micros / 1000)

local function text(number) return string.format('%.0f', number) end

-- A number that no job and no lease had before. By the clock, so that neither an empty server nor one that lost its last writes gives one
-- again.
local function nextNumber()
    local last = tonumber(redis.call('HGET', counters, 'number') or 0) or 0
    local number = text(math.max(last + 1, micros))
    redis.call('HSET', counters, 'number', number)
    return number
end

-- Records: tables of fields. An empty one is an absent replica.

local function keyOf(url) return base .. 'replica:' .. url end
-- What the artifact is to be fetched with, kept for as long as its copy takes.
local function queryOf(url) return base .. 'query:' .. url end
local function urlOf(key) return string.sub(key, #base + #'replica:' + 1) end

local function record(list, from)
    local fields = {}
    for at = from, #list - 1, 2 do fields[list[at]] = list[at + 1] end
    return fields
end

-- Uses are only written down as scores of `present`: a record that changed would be forgotten by every node that remembers it.
local function withUse(url, fields)
    if fields.status == 'present' then fields.last_used = redis.call('ZSCORE', present, url) or fields.last_used end
    return fields
end

local function read(url) return withUse(url, record(redis.call('HGETALL', keyOf(url)), 1)) end

-- For listings, which one key of another type must not end; nil for such a one.
local function readIfRecord(url)
    local list = redis.pcall('HGETALL', keyOf(url))
    return not list.err and withUse(url, record(list, 1)) or nil
end

-- The fields and values of a record in turn, behind what the list begins with.
local function flat(list, fields)
    for field, value in pairs(fields) do
        list[#list + 1] = field
        list[#list + 1] = value
    end
    return list
end

local function numberIn(fields, field) return tonumber(fields[field]) or 0 end

-- A field as the score of a sorted set, which takes everything that is a number but nan.
local function scoreIn(fields, field)
    local number = tonumber(fields[field])
    return number and number == number and fields[field] or '0'
end

-- Indexes. A member of `urls` is the URL, a space (which no URL contains) and what is counted of the replica: the size of a present one, a
-- dash of any other. So what was counted can be taken back when the record is gone, by eviction for one.

-- What is counted of a replica; nil where it is not known.
local function counted(url)
    -- '!' follows the space.
    local member = redis.call('ZRANGEBYLEX', urls, '[' .. url .. ' ', '(' .. url .. '!', 'LIMIT', 0, 1)[1]
    return member and string.sub(member, #url + 2)
end

-- Byte by byte: Lua compares strings by the server's locale.
local function isBehind(url, other)
    for at = 1, math.min(#url, #other) do
        local one, two = string.byte(url, at), string.byte(other, at)
        if one ~= two then return one > two end
    end
    return #url > #other
end

-- A sum that would overflow stays as it is: sizes come from a pool's answer, and an absurd one must not stop the rest.
local function addBytes(url, sign, size)
    redis.pcall('HINCRBY', counters, 'bytes', sign .. size)
    local recounted = redis.call('HGET', counters, 'recount_after')
    if recounted and not isBehind(url, recounted) then redis.pcall('HINCRBY', counters, 'recount_bytes', sign .. size) end
end

local function unindex(url)
    redis.call('ZREM', present, url)
    redis.call('ZREM', errors, url)
    redis.call('ZREM', removing, url)
    local noted = counted(url)
    if not noted then return end
    if noted ~= '-' then addBytes(url, '-', noted) end
    redis.call('ZREM', urls, url .. ' ' .. noted)
end

local function index(url, fields)
    local noted = '-'
    if fields.status == 'present' then
        noted = string.match(fields.size or '', '^%d+$') or '0'
        redis.call('ZADD', present, scoreIn(fields, 'last_used'), url)
        addBytes(url, '', noted)
    elseif fields.status == 'error' then
        redis.call('ZADD', errors, scoreIn(fields, 'retry_at'), url)
    elseif fields.status == 'removing' then
        redis.call('ZADD', removing, scoreIn(fields, 'began'), url)
    end
    redis.call('ZADD', urls, 0, url .. ' ' .. noted)
end

-- Changes: netstrings (length, colon, bytes) of the URL and of what others need to know of the record; the URL alone is an absent replica.

local toldFields = {
    'status', 'size', 'sha256', 'stored_at', 'last_used', 'marked_at', 'reason', 'origin_status', 'message', 'retry_at',
    'etag', 'last_modified', 'content_type', 'content_encoding', 'content_disposition',
}

local function tell(url, fields)
    local parts = { #url .. ':' .. url }
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
local unfinished = 'unfinished'

local function laneKey(lane) return base .. 'lane:' .. lane end

local function laneOf(url, fields)
    if numberIn(fields, 'unfinished') > 0 then return unfinished end
    return string.match(url, '^%a+://[^/]*') or ''
end

local function dueName(entry, url)
    return string.format('%016.0f', tonumber(string.match(entry, '^%d+')) or 0) .. ' ' .. url
end

local function updateLane(lane)
    local head = redis.call('ZRANGE', laneKey(lane), 0, 0, 'WITHSCORES')
    if head[1] then redis.call('ZADD', lanes, head[2], lane) else redis.call('ZREM', lanes, lane) end
end

local function setDue(entry, url, lane, at)
    local name = dueName(entry, url)
    redis.call('ZADD', due, at, name)
    redis.call('ZADD', laneKey(lane), at, name)
    updateLane(lane)
end

local function leaveLane(entry, url, lane)
    redis.call('ZREM', laneKey(lane), dueName(entry, url))
    updateLane(lane)
end

local function queue(url, queuedAt, lane)
    local entry = nextNumber() .. '-0'
    if now > (tonumber(redis.call('HGET', counters, 'queued_to')) or 0) then redis.call('HSET', counters, 'queued_to', text(now)) end
    redis.call('XADD', jobs, entry, 'url', url, 'at', queuedAt)
    setDue(entry, url, lane, queuedAt)
    return entry
end

local function endJob(url, entry, lane)
    if not string.match(entry, '^%d+%-%d+$') then return end
    redis.call('XACK', jobs, group, entry)
    redis.call('XDEL', jobs, entry)
    redis.call('ZREM', due, dueName(entry, url))
    leaveLane(entry, url, lane)
end

local function isQueued(entry)
    return string.match(entry or '', '^%d+%-%d+$') and redis.call('XRANGE', jobs, entry, entry)[1]
end

-- Replaces a record with all that is counted of it, and tells of it.
--
-- What may be evicted has a time to live. The first write is one that a server without memory refuses, before anything is changed.
local function store(url, old, new)
    local key = keyOf(url)
    if next(new) then
        redis.call('HSET', key, unpack(flat({}, new)))
        for field in pairs(old) do
            if new[field] == nil then redis.call('HDEL', key, field) end
        end
        if new.status == 'present' or new.status == 'error' then
            redis.call('EXPIRE', key, 366 * 86400)
        else
            redis.call('PERSIST', key)
        end
    else
        redis.call('DEL', key)
    end
    if old.entry and old.entry ~= new.entry then endJob(url, old.entry, laneOf(url, old)) end
    if new.status ~= 'pending' then redis.call('DEL', queryOf(url)) end
    unindex(url)
    if next(new) then index(url, new) end
    tell(url, new)
end

-- Mends what the indexes say of a replica that is not what they say. Of one whose record is gone nothing is left, and that is told, also
-- where no index knew of it: somebody may remember it.
local function mend(url, fields)
    unindex(url)
    if next(fields) then
        index(url, fields)
    else
        tell(url, fields)
    end
end

-- Writes down a job that was given up, for people who look.
local function buryJob(url, old, new)
    redis.call(
        'XADD', dead, 'MAXLEN', '~', 1000, '*', 'url', url, 'attempts', old.attempts or '0', 'reason', new.reason or '',
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
    local isRight = redis.call('XLEN', jobs) == redis.call('ZCARD', due) and (redis.call('ZCARD', due) == 0 or redis.call('ZCARD', lanes) > 0)
    if isRight then return end
    local after = redis.call('HGET', counters, 'mended_to')
    local page = redis.call('XRANGE', jobs, after and '(' .. after or '-', '+', 'COUNT', 200)
    for _, entry in ipairs(page) do
        local queued = record(entry[2], 1)
        local url = queued.url or ''
        local fields = readIfRecord(url)
        if fields and fields.status == 'pending' and fields.entry == entry[1] then
            -- Of a lease whose end is not known a living worker tells it within the minute.
            local at = redis.call('ZSCORE', due, dueName(entry[1], url)) or fields.token and text(now + 60000) or scoreIn(queued, 'at')
            setDue(entry[1], url, laneOf(url, fields), at)
        else
            endJob(url, entry[1], laneOf(url, {}))
        end
        after = entry[1]
    end
    if #page == 200 then
        redis.call('HSET', counters, 'mended_to', after)
    else
        redis.call('HDEL', counters, 'mended_to')
    end
end

-- A job that was never leased waits for no time: those that a faster clock queued, before a fail-over, are made due now. Returns whether
-- there were any.
local function clampTimes(passed)
    if (tonumber(redis.call('HGET', counters, 'queued_to')) or 0) <= now then return false end
    local isAny = false
    for _, lane in ipairs(redis.call('ZRANGE', lanes, 0, passed.count + 8)) do
        for _, name in ipairs(redis.call('ZRANGEBYSCORE', laneKey(lane), '(' .. text(now), '+inf', 'LIMIT', 0, 100)) do
            local number, url = string.match(name, '^0*(%d+) (.*)$')
            local fields = read(url)
            if fields.attempts == '0' and not fields.token then
                setDue(number .. '-0', url, lane, text(now))
                isAny = true
            end
        end
    end
    return isAny
end

local function headOfLanes(passed)
    local first
    -- Some more, because of lanes whose first jobs are of the same time the one with the oldest is wanted.
    local heads = redis.call('ZRANGE', lanes, 0, passed.count + 8, 'WITHSCORES')
    for position = 1, #heads, 2 do
        local lane, at = heads[position], tonumber(heads[position + 1])
        if first and at > first.at then break end
        local head = not passed.names[lane] and redis.call('ZRANGE', laneKey(lane), 0, 0)[1]
        if head == nil then
            -- Its key was lost.
            updateLane(lane)
        elseif head then
            local number, url = string.match(head, '^0*(%d+) (.*)$')
            if not first or tonumber(number) < first.number then
                first = { at = at, number = tonumber(number), entry = number .. '-0', url = url, lane = lane }
            end
        end
    end
    return first
end

-- The job that is due first in the lanes that are not passed over. nil when there is none.
local function firstJob(passed)
    mendLanes()
    local first = headOfLanes(passed)
    if first and first.at > now and clampTimes(passed) then return headOfLanes(passed) end
    return first
end
