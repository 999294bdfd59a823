#!lua flags=allow-oom
-- Ends a lease. ARGV[2]: the token, ARGV[3]: how.
--
-- present, failed, dead: the record follows; dead is a failure that is also written down for people who look.
-- retry: the milliseconds until then follow. back: the job is due since it was queued, and this lease does not count.
--
-- Returns 1, or false when the lease is not the newest.
local url = urlOf(KEYS[firstReplica])
local token, how = ARGV[2], ARGV[3]
local old = read(url)
if old.status ~= 'pending' or old.token ~= token then return false end

if how == 'present' or how == 'failed' or how == 'dead' then
    local new = record(ARGV, 4)
    store(url, old, new)
    if how == 'dead' then buryJob(url, old, new) end
    return 1
end

local at = how == 'retry' and now + tonumber(ARGV[4]) or numberIn(old, 'queued_at')
redis.call('HDEL', keyOf(url), 'token', 'worker')
if how == 'back' then redis.call('HINCRBY', keyOf(url), 'attempts', -1) end
setDue(old.entry, url, laneOf(url, old), text(at))
tell(url, { status = 'pending' })
return 1
