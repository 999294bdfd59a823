#!lua flags=allow-oom
-- Ends a lease. ARGV[2]: the token, ARGV[3]: how, ARGV[4]: errors at most, from ARGV[5] on: which job to lease then, as leaseNext() has it.
--
-- present, failed, dead: the record follows, that of an error with how long it lasts as `wait`; dead is a failure that is also written down
-- for people who look.
-- retry: the milliseconds of the pause follow, 0 or more. back: the job is due since it was queued, and this lease does not count.
--
-- Returns what leaseNext() does, or an empty list; false when the lease is not the newest.
local hash = hashOf(KEYS[firstReplica])
local token, how = ARGV[2], ARGV[3]
local old = read(hash)
if old.status ~= 'pending' or old.token ~= token then return false end

if how == 'present' or how == 'failed' or how == 'dead' then
    local new = record(ARGV, 6 + tonumber(ARGV[5]))
    if new.wait then setRetry(new) end
    store(hash, old, new)
    if how == 'dead' then buryJob(hash, old, new) end
    if how ~= 'present' then dropErrors(hash, tonumber(ARGV[4])) end
    return leaseAlso(5)
end

local at = how == 'retry' and now + tonumber(ARGV[6 + tonumber(ARGV[5])]) or math.min(numberIn(old, 'queued_at'), now)
redis.call('HSET', keyOf(hash), 'wait', text(math.max(at - now, 0)))
redis.call('HDEL', keyOf(hash), 'token', 'worker')
if how == 'back' then redis.call('HINCRBY', keyOf(hash), 'attempts', -1) end
setDue(old.entry, hash, laneOf(old), text(at))
tell(hash, { status = 'pending' }, old.url)
return leaseAlso(5)
