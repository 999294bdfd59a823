-- Replaces records of activity that are still as the caller has read them. KEYS[1]: a part of all records. ARGV[2]: how many it may have, ARGV[3]: how
-- many more go once there are too many; then of each record its field, what it was and what it is to be, each empty where there is none.
--
-- Returns for each 1, or the record as it is instead, empty where there is none; and the records that had to make room.
local part = KEYS[1]
local limit, spare = tonumber(ARGV[2]), tonumber(ARGV[3])
local life = 366 * 86400

local results = {}
for at = 4, #ARGV, 3 do
    local field, old, new = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local present = redis.call('HGET', part, field) or ''
    if present ~= old then
        results[#results + 1] = present
    else
        if new == '' then redis.call('HDEL', part, field) else redis.call('HSET', part, field, new) end
        results[#results + 1] = 1
    end
end
redis.call('EXPIRE', part, life)

-- The last clock of any pool: 28 bytes each behind the first 8, the clock 16 bytes behind the beginning of each.
local function clock(record)
    local last = 0
    for at = 25, #record - 3, 28 do last = math.max(last, (struct.unpack('<I4', record, at))) end
    return last
end

local dropped = {}
local excess = redis.call('HLEN', part) - limit
if excess > 0 then
    local list, clocks, sorted = redis.call('HGETALL', part), {}, {}
    for at = 2, #list, 2 do
        clocks[at] = clock(list[at])
        sorted[#sorted + 1] = clocks[at]
    end
    table.sort(sorted)
    -- All that are older than this one go, and of those that are as old some.
    local count = math.min(excess + spare, #sorted)
    local last = sorted[count]
    for pass = 1, 2 do
        for at = 2, #list, 2 do
            local goes = pass == 1 and clocks[at] < last or pass == 2 and clocks[at] == last
            if goes and #dropped < count then
                redis.call('HDEL', part, list[at - 1])
                dropped[#dropped + 1] = list[at]
            end
        end
    end
end
return { results, dropped }
