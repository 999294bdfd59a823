#!lua flags=allow-oom
-- Heartbeat. ARGV[2]: the token, ARGV[3]: for how many milliseconds from now.
--
-- Returns attempt, end of the lease and the time; false when the lease is not the newest. Leaves the record alone, because nodes that
-- remember it would be told.
local url = urlOf(KEYS[firstReplica])
local fields = read(url)
if fields.status ~= 'pending' or fields.token ~= ARGV[2] then return false end
local expires = text(now + tonumber(ARGV[3]))
redis.call('ZADD', due, expires, dueName(fields.entry, url))
return { fields.attempts, expires, text(now) }
