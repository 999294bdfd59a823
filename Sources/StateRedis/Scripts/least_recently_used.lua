#!lua flags=allow-oom
-- Present replicas, the least recently used first. ARGV[2], ARGV[3]: last use and hash of the last one of the page before, or empty;
-- ARGV[4]: how many.
--
-- Returns whether there are no more behind these, whether the pool is to be counted anew (see reconcile), last use and hash of the last
-- one, and of each one its hash and record; the hash alone where there is something else than a record.
clampTimes()
local limit = tonumber(ARGV[4])
local lastUse, lastHash = ARGV[2], ARGV[3]

-- How many stand in front of what comes next, wherever that is by now: found by putting something there for a moment.
local function passed()
    if lastHash == '' then return 0 end
    local place = lastHash .. ' '
    redis.call('ZADD', present, lastUse, place)
    local rank = redis.call('ZRANK', present, place)
    redis.call('ZREM', present, place)
    return rank
end

local found, gone, isEnd = {}, 0, false
while #found < limit and gone < 1000 and not isEnd do
    local start = passed()
    local page = redis.call('ZRANGE', present, start, start + limit - #found - 1, 'WITHSCORES')
    isEnd = #page == 0
    for at = 1, #page - 1, 2 do
        local hash, score = page[at], page[at + 1]
        local fields = read(hash, redis.pcall)
        if fields and fields.status ~= 'present' then
            mend(hash, fields)
            gone = gone + 1
        else
            if fields and fields.marked_at and tonumber(fields.marked_at) and tonumber(fields.marked_at) > now then
                fields.marked_at = nowText
                redis.call('HSET', replicas .. hash, 'marked_at', fields.marked_at)
            end
            found[#found + 1] = flat({ hash }, fields or {})
            lastUse, lastHash = score, hash
        end
    end
end

local recounted = tonumber(redis.call('HGET', counters, 'recounted_at') or '')
local pending = redis.call('ZCARD', all .. 'pending')
local isRecountDue = not recounted or math.abs(now - recounted) > 3600000
    or pending ~= redis.call('XLEN', jobs) or pending ~= redis.call('ZCARD', due)
return { isEnd and 1 or 0, isRecountDue and 1 or 0, lastUse, lastHash, unpack(found) }
