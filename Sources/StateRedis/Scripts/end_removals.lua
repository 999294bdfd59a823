#!lua flags=allow-oom
-- Ends removals, or hands them back. ARGV[2]: `deleted` or `back`, ARGV[3]...: their tokens.
--
-- Returns for each 1 when the replica is absent now, 0 when the object is to be deleted once more, or was handed back; -1 when the removal is not the
-- newest.
local function finish(hash, token)
    local old = read(hash)
    if old.status ~= 'removing' or old.token ~= token then
        if not next(old) then mend(hash, old) end
        return -1
    end
    if ARGV[2] == 'back' then
        setRemoval(hash, old, { ends = nowText })
        return 0
    end
    if old.repeated then
        setRemoval(hash, old, { token = old.token, ends = old.ends, wait = old.wait })
        return 0
    end
    noteRemoval(hash)
    store(hash, old, {})
    return 1
end

local ends = {}
for at = firstReplica, #KEYS do ends[#ends + 1] = finish(hashOf(KEYS[at]), ARGV[at - firstReplica + 3]) end
return ends
