#!lua flags=allow-oom
-- Takes replicas out of service. ARGV[2]: for how many milliseconds before somebody else may take the removals over; then for each replica its URL and a
-- condition: `none`, whatever its state; `abandoned`, only if it is under removal and nobody is at it; or a time, only if it is marked and was not used
-- after it.
--
-- Returns for each the token, or false where the replica is spared or somebody else is at it.
local duration = tonumber(ARGV[2])
clampTimes()

local function begin(hash, url, condition)
    local unusedSince = tonumber(condition)
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
    local new = { status = 'removing', url = url, token = token, ends = text(now + duration), wait = text(duration) }
    if old.status == 'removing' then setRemoval(hash, old, new) else store(hash, old, new) end
    return token
end

local tokens = {}
for at = firstReplica, #KEYS do
    local number = at - firstReplica
    tokens[number + 1] = begin(hashOf(KEYS[at]), ARGV[2 * number + 3], ARGV[2 * number + 4])
end
return tokens
