#!lua flags=allow-oom
-- Ends a removal: the replica is absent.
local url = urlOf(KEYS[firstReplica])
local old = read(url)
if old.status == 'removing' then
    store(url, old, {})
elseif not next(old) then
    mend(url, old)
end
return 1
