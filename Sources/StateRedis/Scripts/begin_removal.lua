#!lua flags=allow-oom
-- Takes a replica out of service. ARGV[2]: for how many milliseconds before somebody else may take the removal over, ARGV[3]: its URL, ARGV[4]: `none`, whatever its
-- state; `abandoned`, only one that is under removal and that nobody is at; or a time, only a marked one that was not used after it.
--
-- Returns the token, or false where the replica is spared or somebody else is at it.
local hash = hashOf(KEYS[firstReplica])
local duration, condition = tonumber(ARGV[2]), ARGV[4]
local unusedSince = tonumber(condition)
clampTimes()
local old = read(hash)

if old.status == 'removing' then
    if unusedSince then return false end
    if not isAbandoned(old) then
        if condition == 'none' then redis.call('HSET', replicas .. hash, 'repeated', '1') end
        return false
    end
elseif condition == 'abandoned' then
    return false
elseif unusedSince then
    if not next(old) then mend(hash, old) end
    local isOver = old.status == 'present' and old.marked_at and numberIn(old, 'last_used') <= unusedSince
    if not isOver then return false end
end

local token = nextNumber()
local new = { status = 'removing', url = ARGV[3], token = token, ends = text(now + duration), wait = text(duration) }
if old.status == 'removing' then setRemoval(hash, old, new) else store(hash, old, new) end
return token
