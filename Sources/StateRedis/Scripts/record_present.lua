-- Records an object that was found in the pool; returns the record as it is afterwards, or false where the replica may have been removed since the
-- object was seen. ARGV[2]: the moment before that (see moment), ARGV[3]: the URL,
-- ARGV[4]...: the record.
local hash = hashOf(KEYS[firstReplica])
local old = read(hash)
if old.status and old.status ~= 'error' then return flat({}, old) end
if not isUntouched(hash, tonumber(ARGV[2])) then return false end
local new = record(ARGV, 4)
new.url = ARGV[3]
store(hash, old, new)
return flat({}, new)
