
-- Indexes. For each status there is a set of the replicas in it, in the order of their hashes. A member is the hash, a space, and what is counted
-- of the replica: the size of a present one, of others what they cost. So it can be taken back when the record is gone, by eviction for one.

local all = base .. 'all:'
local statuses = { 'pending', 'present', 'error', 'removing' }
-- Errors, by when they may be tried again, and replicas under removal, by when somebody else may take that over.
local errors, removing = base .. 'errors', base .. 'removing'
-- The sets of the replicas with a status that a time belongs to.
local timed = { present = present, error = errors, removing = removing }

-- What pending replicas and errors cost, whose names strangers make up: no more than this for each of the two.
local maxHeldBytes = 33554432
local function cost(url) return #url + 512 end
local function heldBytes(what) return tonumber(redis.call('HGET', counters, what)) or 0 end

-- A replica's member of the set of its status, and what is counted in it.
local function member(hash, fields)
    local noted
    if fields.status == 'present' then
        noted = string.match(fields.size or '', '^%d+$') or '0'
    else
        noted = text(cost(fields.url or ''))
    end
    return hash .. ' ' .. noted, noted
end

-- A sum that would overflow stays as it is: sizes come from a pool's answer, and an absurd one must not stop the rest.
local function count(hash, status, sign, noted)
    if status == 'present' then
        redis.pcall('HINCRBY', counters, 'bytes', sign .. noted)
        -- Hexadecimal digits, which every locale has in the same order; nothing comes before all.
        local recounted = redis.call('HGET', counters, 'recount_after')
        if recounted and hash <= recounted then redis.pcall('HINCRBY', counters, 'recount_bytes', sign .. noted) end
    elseif status ~= 'removing' then
        redis.call('HINCRBY', counters, status .. '_bytes', sign .. noted)
    end
end

-- Takes a replica out of its indexes. `fields` are its record; where the indexes say something else, or it is not known, it is taken out of all.
local function unindex(hash, fields)
    local status = fields and fields.status
    if status then
        local found, noted = member(hash, fields)
        if redis.call('ZREM', all .. status, found) == 1 then
            if timed[status] then redis.call('ZREM', timed[status], hash) end
            return count(hash, status, '-', noted)
        end
    end
    for _, set in pairs(timed) do redis.call('ZREM', set, hash) end
    -- '!' follows the space.
    local from, to = '[' .. hash .. ' ', '(' .. hash .. '!'
    for _, status in ipairs(statuses) do
        if redis.call('ZLEXCOUNT', all .. status, from, to) > 0 then
            local found = redis.call('ZRANGEBYLEX', all .. status, from, to, 'LIMIT', '0', '1')[1]
            redis.call('ZREM', all .. status, found)
            count(hash, status, '-', string.sub(found, #hash + 2))
        end
    end
end

local function index(hash, fields)
    local status = fields.status
    local found, noted = member(hash, fields)
    if status == 'present' then
        redis.call('ZADD', present, scoreIn(fields, 'last_used'), hash)
    elseif status == 'removing' then
        redis.call('ZADD', removing, scoreIn(fields, 'ends'), hash)
    elseif status == 'error' then
        redis.call('ZADD', errors, scoreIn(fields, 'retry_at'), hash)
    elseif status ~= 'pending' then
        return
    end
    count(hash, status, '', noted)
    redis.call('ZADD', all .. status, '0', found)
end

-- Changes: netstrings (length, colon, bytes) of the URL and of what others need to know of the record; the URL alone is an absent replica. Of one
-- whose record is gone the hash stands in its place.

-- What is told, by field, in front of its value.
local told = {
    status = '6:status', size = '4:size', sha256 = '6:sha256', stored_at = '9:stored_at', last_used = '9:last_used', marked_at = '9:marked_at',
    reason = '6:reason', origin_status = '13:origin_status', message = '7:message', retry_at = '8:retry_at', etag = '4:etag',
    last_modified = '13:last_modified', content_type = '12:content_type', content_encoding = '16:content_encoding',
    content_disposition = '19:content_disposition',
}

local function tell(hash, fields, url)
    local name = url or fields.url or hash
    local parts = { string.format('%d:', #name) .. name }
    for field, value in pairs(fields) do
        if told[field] then parts[#parts + 1] = told[field] .. string.format('%d:', #value) .. value end
    end
    redis.call('PUBLISH', base .. 'changes', table.concat(parts))
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
