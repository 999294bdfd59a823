-- Makes a replica pending and queues its copy job; where it is pending already, sees to it that it has one. ARGV[2]: jobs that may be queued here,
-- at most, ARGV[3]: the URL, ARGV[4]: jobs in its lane, at most, from ARGV[5] on: which job to lease then, as termsAt() has it.
local hash = hashOf(KEYS[firstReplica])
clampTimes()
local old = read(hash)
if old.status == 'pending' then repairJob(hash, old) end
local isOver = old.status == 'error' and clamped(old.retry_at, old.wait) <= now
-- An origin that refused (and did not ask for patience) has not seen the query that is kept since.
if old.status == 'error' and not isOver and old.reason == 'origin' then
    local status = numberIn(old, 'origin_status')
    local isRefusal = status >= 400 and status < 500 and status ~= 408 and status ~= 425 and status ~= 429
    isOver = isRefusal and redis.call('EXISTS', queryKey .. hash) == 1
end
if old.status and not isOver then return flat({ 'exists' }, old) end
local queued, held = redis.call('XLEN', jobs), heldBytes('pending_bytes')
if queued == 0 and held ~= 0 then
    redis.call('HSET', counters, 'pending_bytes', '0')
    held = 0
end
if queued >= tonumber(ARGV[2]) or held + cost(ARGV[3]) > maxHeldBytes then return { 'full' } end
local new = { status = 'pending', url = ARGV[3], queued_at = nowText, attempts = '0' }
local lane = laneOf(new)
if redis.call('ZCARD', laneKey .. lane) >= tonumber(ARGV[4]) then return { 'full' } end

local terms = termsAt(5)
-- Whether its job is the one that leaseNext() would lease: no other one is due.
local isNext = false
for _, passed in ipairs(terms and terms.choices or {}) do
    local job = firstJob(passed)
    local isOtherDue = job and job.at <= now
    isNext = not isOtherDue and not passed.names[lane]
    if isNext or isOtherDue then break end
end
if isNext then
    -- It is written once, as it is when it was queued and then leased.
    new.worker, new.attempts, new.wait = terms.worker, '1', terms.duration
    local expires = text(now + terms.duration)
    new.entry = queue(hash, nowText, lane, expires)
    new.token = nextNumber()
    showLease(new.entry, terms.worker)
    store(hash, old, new)
    return { 'claimed', 'leased', new.url, new.token, '1', expires, nowText, '0', nowText }
end
new.entry = queue(hash, nowText, lane, nowText)
store(hash, old, new)
local answer = leaseAlso(terms)
table.insert(answer, 1, 'claimed')
return answer
