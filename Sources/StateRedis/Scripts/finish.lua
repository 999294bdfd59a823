#!lua flags=allow-oom
-- Ends a lease. ARGV[2]: the token, ARGV[3]: how, ARGV[4]: errors at most, from ARGV[5] on: which job to lease then, as termsAt() has it.
--
-- present, failed, dead: the record follows, that of an error with how long it lasts as `wait`; dead is a failure that is also written down
-- for people who look.
-- retry: the milliseconds of the pause follow, 0 or more. back: the job is due since it was queued, and this lease does not count.
--
-- Returns what leaseNext() does, or an empty list; false when the lease is not the newest.
local hash = hashOf(KEYS[firstReplica])
local token, how, result = ARGV[2], ARGV[3], 6 + tonumber(ARGV[5])
local old = read(hash)
if old.status ~= 'pending' or old.token ~= token then return false end

if how == 'present' then
    store(hash, old, record(ARGV, result))
elseif how == 'failed' or how == 'dead' then
    storeError(hash, old, record(ARGV, result), tonumber(ARGV[4]), how == 'dead')
else
    local at = how == 'retry' and now + tonumber(ARGV[result]) or math.min(numberIn(old, 'queued_at'), now)
    redis.call('HSET', KEYS[firstReplica], 'wait', text(math.max(at - now, 0)))
    redis.call('HDEL', KEYS[firstReplica], 'token', 'worker')
    if how == 'back' then redis.call('HINCRBY', KEYS[firstReplica], 'attempts', '-1') end
    setDue(old.entry, hash, laneOf(old), text(at))
    tell(hash, { status = 'pending' }, old.url)
end
return leaseAlso(termsAt(5))
