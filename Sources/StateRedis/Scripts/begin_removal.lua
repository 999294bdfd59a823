#!lua flags=allow-oom
-- Takes a replica out of service. ARGV[2]: empty for whatever its state, or a time: only a marked one that was not used after it.
--
-- Returns 1 when it is under removal by this call, else 0.
local url = urlOf(KEYS[firstReplica])
local old = read(url)
if old.status == 'removing' then return 0 end
if ARGV[2] ~= '' then
    if not next(old) then mend(url, old) end
    local isOver = old.status == 'present' and old.marked_at and numberIn(old, 'last_used') <= tonumber(ARGV[2])
    if not isOver then return 0 end
end
store(url, old, { status = 'removing', began = text(now) })
return 1
