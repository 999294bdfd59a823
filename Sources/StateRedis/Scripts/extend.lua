#!lua flags=allow-oom
-- Heartbeat. ARGV[2]: the token, ARGV[3]: for how many milliseconds from now.
--
-- Returns attempt, end of the lease, the time and how many leases of the job ran out; false when the lease is not the newest. Leaves the record alone, because nodes that
-- remember it would be told.
local hash = hashOf(KEYS[firstReplica])
local fields = read(hash)
if fields.status ~= 'pending' or fields.token ~= ARGV[2] then return false end
local expires = text(now + tonumber(ARGV[3]))
setDue(fields.entry, hash, laneOf(fields), expires)
return { fields.attempts, expires, nowText, text(numberIn(fields, 'unfinished')) }
