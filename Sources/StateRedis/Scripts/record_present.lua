-- Records an object that was found in the pool; returns the record as it is afterwards. ARGV[2]...: the record.
local url = urlOf(KEYS[firstReplica])
local old = read(url)
if old.status and old.status ~= 'error' then return flat({}, old) end
local new = record(ARGV, 2)
store(url, old, new)
return flat({}, new)
