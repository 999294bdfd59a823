
-- Records: tables of fields. An empty one is an absent replica.

local replicas = base .. 'replica:'
-- Present replicas, by when they were last used.
local present = base .. 'present'

local function hashOf(key) return string.sub(key, #replicas + 1) end

-- A URL stands in fields u1, u2, … of 64 bytes each: a hash with a longer value would take several times the memory.
local chunk = 64

local function record(list, from)
    local fields = {}
    for at = from, #list - 1, 2 do fields[list[at]] = list[at + 1] end
    local name, parts = 'u1', nil
    while fields[name] do
        parts = parts or {}
        parts[#parts + 1], fields[name] = fields[name], nil
        name = 'u' .. #parts + 1
    end
    if parts then fields.url = table.concat(parts) end
    return fields
end

-- Uses are only written down as scores of `present`: a record that changed would be forgotten by every node that remembers it.
--
-- `call` is `redis.pcall` for listings, which one key of another type must not end: nil for such a one.
local function read(hash, call)
    local list = (call or redis.call)('HGETALL', replicas .. hash)
    if list.err then return nil end
    local fields = record(list, 1)
    if fields.status == 'present' then fields.last_used = redis.call('ZSCORE', present, hash) or fields.last_used end
    return fields
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
local function write(hash, old, new)
    local key, words, gone, count = replicas .. hash, {}, {}, 0
    for field, value in pairs(new) do
        if field ~= 'url' then
            words[count + 1], words[count + 2] = field, value
            count = count + 2
        elseif not old.url then
            for at = 1, #value, chunk do
                words[count + 1], words[count + 2] = 'u' .. (at - 1) / chunk + 1, string.sub(value, at, at + chunk - 1)
                count = count + 2
            end
        end
    end
    redis.call('HSET', key, unpack(words))
    for field in pairs(old) do
        if new[field] == nil then gone[#gone + 1] = field end
    end
    -- Lua passes some thousand arguments at most, and strangers may have added as many fields.
    for at = 1, #gone, 1000 do redis.call('HDEL', key, unpack(gone, at, math.min(at + 999, #gone))) end
end

local function numberIn(fields, field) return tonumber(fields[field]) or 0 end

-- A field as the score of a sorted set, which takes everything that is a number but nan.
local function scoreIn(fields, field)
    local number = tonumber(fields[field])
    return number and number == number and fields[field] or '0'
end
