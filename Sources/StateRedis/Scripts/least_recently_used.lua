#!lua flags=allow-oom
-- Present replicas, the least recently used first. ARGV[2], ARGV[3]: last use and URL of the last one of the page before, or empty;
-- ARGV[4]: how many.
--
-- Returns whether there are no more behind these, whether the bytes are to be counted anew (see reconcile), last use and URL of the last one,
-- and of each one its URL and record; the URL alone where there is something else than a record.
local limit = tonumber(ARGV[4])
local lastUse, lastURL = ARGV[2], ARGV[3]

-- How many stand in front of what comes next, wherever that is by now: found by putting something there for a moment.
local function passed()
    if lastURL == '' then return 0 end
    local place = lastURL .. ' '
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
        local url, score = page[at], page[at + 1]
        local fields = readIfRecord(url)
        if fields and fields.status ~= 'present' then
            mend(url, fields)
            gone = gone + 1
        else
            found[#found + 1] = flat({ url }, fields or {})
            lastUse, lastURL = score, url
        end
    end
end

local recounted = tonumber(redis.call('HGET', counters, 'recounted_at') or '')
local isRecountDue = not recounted or math.abs(now - recounted) > 3600000
return { isEnd and 1 or 0, isRecountDue and 1 or 0, lastUse, lastURL, unpack(found) }
