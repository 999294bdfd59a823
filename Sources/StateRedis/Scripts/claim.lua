-- Makes a replica pending and queues its copy job. ARGV[2]: jobs that may be queued here, at most.
local url = urlOf(KEYS[firstReplica])
local old = read(url)

-- A pending replica whose job somebody deleted would wait for ever.
local isLost = old.status == 'pending' and not isQueued(old.entry)
local isOver = old.status == 'error' and numberIn(old, 'retry_at') <= now
if old.status and not isLost and not isOver then return flat({ 'exists' }, old) end
if redis.call('XLEN', jobs) >= tonumber(ARGV[2]) then return { 'full' } end

store(url, old, { status = 'pending', entry = queue(url, text(now), laneOf(url, {})), queued_at = text(now), attempts = '0' })
return { 'claimed' }
