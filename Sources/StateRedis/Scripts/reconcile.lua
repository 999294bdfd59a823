#!lua flags=allow-oom
-- Counts the bytes anew, a page of replicas with each call, and forgets what is counted of replicas that are gone. ARGV[2]: replicas in a
-- page.
--
-- What changes meanwhile is counted too (see addBytes), so that the sum is right whoever calls how often.
-- Returns whether that was the last page, and then by how much the sum was wrong.
local limit = tonumber(ARGV[2])
local after = redis.call('HGET', counters, 'recount_after')
if not after then
    after = ''
    redis.call('HSET', counters, 'recount_after', '', 'recount_bytes', 0)
    -- Workers that are gone and hold nothing.
    local consumers = redis.pcall('XINFO', 'CONSUMERS', jobs, group)
    for _, info in ipairs(consumers.err and {} or consumers) do
        local fields = record(info, 1)
        if fields['pending'] == 0 and fields['idle'] > 86400000 then redis.call('XGROUP', 'DELCONSUMER', jobs, group, fields['name']) end
    end
end

local page = redis.call('ZRANGEBYLEX', urls, after == '' and '-' or '[' .. after .. '!', '+', 'LIMIT', 0, limit)
local sum = 0
for _, member in ipairs(page) do
    local url, noted = string.match(member, '^([^ ]*) (.*)$')
    -- Not read: that would count as a use in the eyes of the server that looks for the least recently used.
    if redis.call('EXISTS', keyOf(url)) == 0 then
        mend(url, {})
    else
        sum = sum + (tonumber(noted) or 0)
    end
    after = url
end
redis.pcall('HINCRBY', counters, 'recount_bytes', text(sum))
if #page == limit then
    redis.call('HSET', counters, 'recount_after', after)
    return { 0, '0' }
end

local right = redis.call('HGET', counters, 'recount_bytes')
local wrong = tonumber(redis.call('HGET', counters, 'bytes') or '0') - tonumber(right)
redis.call('HSET', counters, 'bytes', right, 'recounted_at', text(now))
redis.call('HDEL', counters, 'recount_after', 'recount_bytes')
return { 1, text(wrong) }
