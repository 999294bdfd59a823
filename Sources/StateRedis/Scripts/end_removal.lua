#!lua flags=allow-oom
-- Ends a removal, or hands it back. ARGV[2]: its token, ARGV[3]: `deleted` or `back`.
--
-- Returns 1 when the replica is absent now, 0 when the object is to be deleted once more, or was handed back; false when the removal is not the
-- newest.
local hash = hashOf(KEYS[firstReplica])
local old = read(hash)
if old.status ~= 'removing' or old.token ~= ARGV[2] then
    if not next(old) then mend(hash, old) end
    return false
end
if ARGV[3] == 'back' then
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
