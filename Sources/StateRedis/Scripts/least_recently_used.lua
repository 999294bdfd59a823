#!lua flags=allow-oom
-- Present replicas, the least recently used first. ARGV[2], ARGV[3]: last use and URL of the last one of the page before, or empty;
-- ARGV[4]: how many.
--
-- Returns whether there may be more behind these, whether the bytes are to be counted anew (see reconcile), and of each one its URL and
-- record.
local limit = tonumber(ARGV[4])
local start = 0
if ARGV[3] ~= '' then
    -- The place behind it, wherever it is by now: found by putting something there for a moment.
    local place = ARGV[3] .. ' '
    redis.call('ZADD', present, ARGV[2], place)
    start = redis.call('ZRANK', present, place)
    redis.call('ZREM', present, place)
end

local found, gone, isEnd = {}, 0, false
while #found < limit and gone < 1000 and not isEnd do
    local page = redis.call('ZRANGE', present, start, start + limit - #found - 1)
    isEnd = #page == 0
    for _, url in ipairs(page) do
        local fields = read(url)
        if fields.status == 'present' then
            found[#found + 1] = flat({ url }, fields)
            start = start + 1
        else
            mend(url, fields)
            gone = gone + 1
        end
    end
end

local recounted = tonumber(redis.call('HGET', counters, 'recounted_at') or '')
local isRecountDue = not recounted or math.abs(now - recounted) > 3600000
return { #found < limit and not isEnd and 1 or 0, isRecountDue and 1 or 0, unpack(found) }
