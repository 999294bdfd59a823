
-- Brings back what lies in the future since the clock was put back: jobs, uses, errors and removals. A part of them with each script, those that
-- lie furthest first. `clock` is the time of about the last one, `is_behind` says that there may be more.
local isClamped
local function clampTimes()
    if isClamped then return end
    isClamped = true
    local seen = redis.call('HMGET', counters, 'clock', 'is_behind')
    local noted = tonumber(seen[1]) or 0
    -- A server without memory takes no note of the time, and answers all the same.
    if now < noted or now > noted + 1000 then redis.pcall('HSET', counters, 'clock', nowText) end
    if now < noted then redis.pcall('HSET', counters, 'is_behind', '1') elseif not seen[2] then return end

    local isAny = false
    for _, hash in ipairs(redis.call('ZRANGEBYSCORE', present, '(' .. nowText, '+inf', 'LIMIT', '0', '1000')) do
        redis.call('ZADD', present, nowText, hash)
        isAny = true
    end
    local late = redis.call('ZREVRANGEBYSCORE', due, '+inf', '(' .. nowText, 'WITHSCORES', 'LIMIT', '0', '1000')
    for position = 1, #late, 2 do
        local number, hash = string.match(late[position], '^0*(%d+) (.*)$')
        local fields = read(hash, redis.pcall) or {}
        local at = clamped(late[position + 1], fields.wait)
        if at < tonumber(late[position + 1]) then
            setDue(number .. '-0', hash, laneOf(fields), text(at))
            isAny = true
        end
    end
    for field, set in pairs({ retry_at = errors, ends = removing }) do
        late = redis.call('ZREVRANGEBYSCORE', set, '+inf', '(' .. nowText, 'WITHSCORES', 'LIMIT', '0', '1000')
        for position = 1, #late, 2 do
            local hash = late[position]
            local fields = read(hash, redis.pcall) or {}
            local at = clamped(late[position + 1], fields.wait)
            if fields[field] and at < tonumber(late[position + 1]) then
                redis.call('HSET', replicas .. hash, field, text(at))
                redis.call('ZADD', set, text(at), hash)
                isAny = true
            end
        end
    end
    if not isAny then redis.call('HDEL', counters, 'is_behind') end
end
