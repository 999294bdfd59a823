
-- `removed` holds of the removals that ended last the numbers that they ended with. Its first member has no name: all that ended up to its number
-- may be missing.
local removed = base .. 'removed'
local maxRemoved = 10000

local function rememberRemovals()
    if not redis.call('ZSCORE', removed, '') then redis.call('ZADD', removed, nextNumber(), '') end
end

-- To be called when a removal ends.
local function noteRemoval(hash)
    rememberRemovals()
    redis.call('ZADD', removed, nextNumber(), hash)
    if redis.call('ZCARD', removed) > maxRemoved then
        local oldest = redis.call('ZRANGE', removed, '1', '1', 'WITHSCORES')
        redis.call('ZREM', removed, oldest[1])
        redis.call('ZADD', removed, oldest[2], '')
    end
end

-- Whether the replica was not removed since a moment. Where nothing is known of that time it may have been.
local function isUntouched(hash, moment)
    local complete, number = redis.call('ZSCORE', removed, ''), redis.call('ZSCORE', removed, hash)
    return complete and tonumber(complete) <= moment and (not number or tonumber(number) <= moment)
end
