-- Makes a replica pending and queues its copy job. ARGV[2]: jobs that may be queued here, at most, ARGV[3]: in its lane.
local url = urlOf(KEYS[firstReplica])
local old = read(url)

-- A pending replica whose job somebody deleted would wait for ever.
local isLost = old.status == 'pending' and not isQueued(old.entry)
local isOver = old.status == 'error' and numberIn(old, 'retry_at') <= now
-- An origin that refused (and did not ask for patience) has not seen the query that is kept since.
if old.status == 'error' and not isOver and old.reason == 'origin' then
    local status = numberIn(old, 'origin_status')
    local isRefusal = status >= 400 and status < 500 and status ~= 408 and status ~= 425 and status ~= 429
    isOver = isRefusal and redis.call('EXISTS', queryOf(url)) == 1
end
if old.status and not isLost and not isOver then return flat({ 'exists' }, old) end
if redis.call('XLEN', jobs) >= tonumber(ARGV[2]) then return { 'full' } end
if redis.call('ZCARD', laneKey(laneOf(url, {}))) >= tonumber(ARGV[3]) then return { 'full' } end

store(url, old, { status = 'pending', entry = queue(url, text(now), laneOf(url, {})), queued_at = text(now), attempts = '0' })
return { 'claimed' }
