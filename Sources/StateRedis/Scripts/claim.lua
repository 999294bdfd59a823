-- Makes a replica pending and queues its copy job; where it is pending already, sees to it that it has one. ARGV[2]: jobs that may be queued here,
-- at most, ARGV[3]: the URL, ARGV[4]: jobs in its lane, at most, from ARGV[5] on: which job to lease then, as leaseNext() has it.
local hash = hashOf(KEYS[firstReplica])
clampTimes()
local old = read(hash)
if old.status == 'pending' and not hasJob(hash, old) then restoreJob(hash, old) end
local isOver = old.status == 'error' and retryAt(old) <= now
-- An origin that refused (and did not ask for patience) has not seen the query that is kept since.
if old.status == 'error' and not isOver and old.reason == 'origin' then
    local status = numberIn(old, 'origin_status')
    local isRefusal = status >= 400 and status < 500 and status ~= 408 and status ~= 425 and status ~= 429
    isOver = isRefusal and redis.call('EXISTS', queryOf(hash)) == 1
end
if old.status and not isOver then return flat({ 'exists' }, old) end
local queued = redis.call('XLEN', jobs)
if queued == 0 then redis.call('HSET', counters, 'pending_bytes', '0') end
if queued >= tonumber(ARGV[2]) or heldBytes('pending_bytes') + cost(ARGV[3]) > maxHeldBytes then return { 'full' } end
local new = { status = 'pending', url = ARGV[3], queued_at = text(now), attempts = '0' }
if redis.call('ZCARD', laneKey(laneOf(new))) >= tonumber(ARGV[4]) then return { 'full' } end

new.entry = queue(hash, text(now), laneOf(new))
store(hash, old, new)
local answer = leaseAlso(5)
table.insert(answer, 1, 'claimed')
return answer
