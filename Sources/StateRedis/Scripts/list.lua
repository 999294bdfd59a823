#!lua flags=allow-oom
-- Replicas, in the order of their hashes. ARGV[2]: the last hash of the page before, or empty; ARGV[3]: how many, ARGV[4]...: their statuses.
--
-- Returns whether there are no more behind these, the last hash, and of each one its hash and record; the hash alone where there is something
-- else than a record.
local limit = tonumber(ARGV[3])
local last = ARGV[2]

-- The next hashes of all the statuses together.
local function nextHashes(count)
    local hashes = {}
    for at = 4, #ARGV do
        local from = last == '' and '-' or '[' .. last .. '!'
        for _, member in ipairs(redis.call('ZRANGEBYLEX', all .. ARGV[at], from, '+', 'LIMIT', 0, count)) do
            hashes[#hashes + 1] = string.match(member, '^[^ ]*')
        end
    end
    table.sort(hashes)
    return hashes
end

local found, gone, isEnd = {}, 0, false
while #found < limit and gone < 1000 and not isEnd do
    local hashes = nextHashes(limit - #found)
    isEnd = #hashes == 0
    for at = 1, math.min(#hashes, limit - #found) do
        local hash = hashes[at]
        local fields = read(hash, redis.pcall)
        if not fields or next(fields) then
            found[#found + 1] = flat({ hash }, fields or {})
        else
            mend(hash, fields)
            gone = gone + 1
        end
        last = hash
    end
end
return { isEnd and 1 or 0, last, unpack(found) }
