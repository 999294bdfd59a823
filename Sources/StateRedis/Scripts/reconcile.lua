#!lua flags=allow-oom
-- Counts the bytes anew, a page of replicas with each call, forgets what is counted of replicas that are gone, and puts back jobs of pending
-- replicas that are missing in the queue. ARGV[2]: replicas in a page.
--
-- What changes meanwhile is counted too (see count), so that the sum is right whoever calls how often.
-- Returns whether that was the last page, and then by how much the sum was wrong.
local limit = tonumber(ARGV[2])
local after = redis.call('HGET', counters, 'recount_after')
local status = redis.call('HGET', counters, 'recount_status') or 'present'
if not after then
    after = ''
    redis.call('HSET', counters, 'recount_after', '', 'recount_bytes', 0)
    redis.call('HDEL', counters, 'recount_status')
    status = 'present'
    -- Workers that are gone and hold nothing.
    local consumers = redis.pcall('XINFO', 'CONSUMERS', jobs, group)
    for _, info in ipairs(consumers.err and {} or consumers) do
        local fields = record(info, 1)
        if fields['pending'] == 0 and fields['idle'] > 86400000 then redis.call('XGROUP', 'DELCONSUMER', jobs, group, fields['name']) end
    end
end

local from = after == '' and '-' or '[' .. after .. '!'
if status ~= 'present' then
    local cursor = redis.call('HGET', counters, 'recount_other') or ''
    from = cursor == '' and '-' or '[' .. cursor .. '!'
end
local page = redis.call('ZRANGEBYLEX', all .. status, from, '+', 'LIMIT', 0, limit)
local sum, last = 0, nil
for _, member in ipairs(page) do
    local hash, noted = string.match(member, '^([^ ]*) (.*)$')
    -- Not read: that would count as a use in the eyes of the server that looks for the least recently used.
    if redis.call('EXISTS', replicas .. hash) == 0 then
        mend(hash, {})
    elseif status == 'present' then
        sum = sum + (tonumber(noted) or 0)
    elseif status == 'pending' then
        local fields = read(hash, redis.pcall)
        if fields and fields.status == 'pending' then repairJob(hash, fields) end
    end
    last = hash
end
if status == 'present' then
    redis.pcall('HINCRBY', counters, 'recount_bytes', text(sum))
    -- Behind the last page everything has been counted: 'g' comes behind all hashes.
    redis.call('HSET', counters, 'recount_after', #page == limit and last or 'g')
elseif last then
    redis.call('HSET', counters, 'recount_other', last)
end
if #page == limit then return { 0, '0' } end
local following = ({ present = 'pending', pending = 'error', error = 'removing' })[status]
if following then
    redis.call('HSET', counters, 'recount_status', following, 'recount_other', '')
    return { 0, '0' }
end

local right = redis.call('HGET', counters, 'recount_bytes')
local wrong = tonumber(redis.call('HGET', counters, 'bytes') or '0') - tonumber(right)
redis.call('HSET', counters, 'bytes', right, 'recounted_at', nowText)
redis.call('HDEL', counters, 'recount_after', 'recount_bytes', 'recount_status', 'recount_other')
return { 1, text(wrong) }
