
-- Removals. The record holds the token of whoever is at it, and `removing` when somebody else may take it over.

local function isAbandoned(fields) return not fields.token or clamped(fields.ends, fields.wait) <= now end

-- Replaces the record of a replica under removal by another of that kind, of which nobody is told.
local function setRemoval(hash, old, new)
    new.status, new.url = 'removing', old.url
    write(hash, old, new)
    redis.call('ZADD', removing, new.ends, hash)
end
