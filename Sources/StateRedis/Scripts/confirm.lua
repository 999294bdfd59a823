#!lua flags=allow-oom
-- Says which of the replicas are still under the removals whose tokens these are, counted from 1, and lets those run on. ARGV[2]: for how many
-- milliseconds, ARGV[3]...: the tokens.
local confirmed = {}
for at = firstReplica, #KEYS do
    local hash = hashOf(KEYS[at])
    local fields = read(hash)
    local number = at - firstReplica + 1
    if fields.status == 'removing' and fields.token == ARGV[number + 2] then
        setRemoval(
            hash, fields, { token = fields.token, ends = text(now + tonumber(ARGV[2])), wait = ARGV[2], repeated = fields.repeated })
        confirmed[#confirmed + 1] = number
    end
end
return confirmed
