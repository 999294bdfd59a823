
-- Lanes that a call passes over: as many of its arguments as ARGV[at] says, from the one behind that.
local function lanesPassed(at)
    local passed = { count = tonumber(ARGV[at]), names = {} }
    for position = at + 1, at + passed.count do passed.names[ARGV[position]] = true end
    return passed
end

-- Puts jobs into their lanes that are in none: queued by an older version, or lost with a key. A page with each script; looks no further
-- than at three numbers where all is well.
local isMended
local function mendLanes()
    if isMended then return end
    isMended = true
    local queued = redis.call('ZCARD', due)
    local isRight = redis.call('XLEN', jobs) == queued and (queued == 0 or redis.call('ZSCORE', lanes, whole))
    if isRight then return end
    local after = redis.call('HGET', counters, 'mended_to')
    local page = redis.call('XRANGE', jobs, after and '(' .. after or '-', '+', 'COUNT', '200')
    for _, entry in ipairs(page) do
        local queued = record(entry[2], 1)
        local hash = queued.hash or ''
        local fields = read(hash, redis.pcall)
        if fields and fields.status == 'pending' and fields.entry == entry[1] then
            -- Of a lease whose end is not known a living worker tells it within the minute.
            local at = redis.call('ZSCORE', due, dueName(entry[1], hash)) or fields.token and text(now + 60000)
                or text(math.min(tonumber(scoreIn(queued, 'at')), now))
            setDue(entry[1], hash, laneOf(fields), at)
        else
            endJob(hash, entry[1], laneOf({}))
        end
        after = entry[1]
    end
    if #page == 200 then
        redis.call('HSET', counters, 'mended_to', after)
    else
        redis.call('HDEL', counters, 'mended_to')
        redis.call('ZADD', lanes, '+inf', whole)
    end
end

-- The job that is due first in the lanes that are not passed over. nil when there is none.
local function firstJob(passed)
    mendLanes()
    clampTimes()
    local first
    -- Some more, because of lanes whose first jobs are of the same time the one with the oldest is wanted.
    local heads = redis.call('ZRANGE', lanes, '0', passed.count + 8, 'WITHSCORES')
    for position = 1, #heads, 2 do
        local lane, at = heads[position], tonumber(heads[position + 1])
        if lane == whole or first and at > first.at then break end
        local head = not passed.names[lane] and redis.call('ZRANGE', laneKey .. lane, '0', '0')[1]
        if head == nil then
            -- Its key was lost, and the jobs in it with it: the next count of the pool puts them back.
            updateLane(lane)
            redis.call('HDEL', counters, 'recounted_at')
        elseif head then
            local number, hash = string.match(head, '^0*(%d+) (.*)$')
            if not first or tonumber(number) < first.number then
                first = { at = at, due = heads[position + 1], number = tonumber(number), entry = number .. '-0', hash = hash, lane = lane }
            end
        end
    end
    return first
end
