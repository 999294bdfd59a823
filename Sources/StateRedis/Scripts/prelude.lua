-- Shared by all scripts: put in front of each, behind its first line where that one says how the server is to run it.
--
-- A script is one transition of one pool. Its keys are those of the pool, and from the ninth on those of the replicas that the call names;
-- only listings make up names of replicas' keys. ARGV[1] is the time in milliseconds, or empty for the server's own.
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

-- Jobs. A pending replica names its entry of the stream; `due` holds those that were delivered, named so that of the same time the older one
-- comes first.

local function dueName(entry, url)
    return string.format('%016.0f', tonumber(string.match(entry, '^%d+')) or 0) .. ' ' .. url
end

local function queue(url, queuedAt)
    local entry = nextNumber() .. '-0'
    redis.call('XADD', jobs, entry, 'url', url, 'at', queuedAt)
    return entry
end

local function endJob(url, entry)
    if not string.match(entry, '^%d+%-%d+$') then return end
    redis.call('XACK', jobs, group, entry)
    redis.call('XDEL', jobs, entry)
    redis.call('ZREM', due, dueName(entry, url))
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
    if old.entry and old.entry ~= new.entry then endJob(url, old.entry) end
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

-- The number of the last entry that was delivered to somebody; makes the group where there is none.
local function lastDelivered()
    for _, info in ipairs(redis.call('XINFO', 'GROUPS', jobs)) do
        local fields = record(info, 1)
        if fields['name'] == group then return fields['last-delivered-id'] end
    end
    redis.call('XGROUP', 'CREATE', jobs, group, 0)
    return '0-0'
end

-- The job that is due first: queued, or delivered to somebody whose lease runs out then. nil when there is none.
local function firstJob()
    local first
    local delivered = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
    if delivered[1] then
        local number, url = string.match(delivered[1], '^0*(%d+) (.*)$')
        first = { at = tonumber(delivered[2]), number = tonumber(number), entry = number .. '-0', url = url, isDelivered = true }
    end
    local queued = redis.call('XLEN', jobs) > 0 and redis.call('XRANGE', jobs, '(' .. lastDelivered(), '+', 'COUNT', 1)[1]
    if queued then
        local fields = record(queued[2], 1)
        -- It waits for no time: one that a faster clock queued, before a fail-over, must not hold up those behind it.
        local number, at = tonumber(string.match(queued[1], '^%d+')), math.min(numberIn(fields, 'at'), now)
        if not first or at < first.at or (at == first.at and number < first.number) then
            first = { at = at, number = number, entry = queued[1], url = fields.url or '', isDelivered = false }
        end
    end
    return first
end

