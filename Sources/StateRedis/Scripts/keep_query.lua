-- Keeps what a replica's artifact is to be fetched with beyond its name. ARGV[2]: for how many milliseconds, ARGV[3]: the query.
-- Bounded like everything that strangers make up: the oldest go.
local maxQueries, maxQueryBytes = 10000, 16777216

local hash = hashOf(KEYS[firstReplica])
dropQuery(hash)
local bytes = #ARGV[3] + 512
redis.call('SET', queryKey .. hash, ARGV[3], 'PX', ARGV[2])
redis.call('ZADD', queries, nowText, hash)
redis.call('HSET', querySizes, hash, bytes)
redis.call('HINCRBY', counters, 'query_bytes', bytes)
while redis.call('ZCARD', queries) > maxQueries or heldBytes('query_bytes') > maxQueryBytes do
    local oldest = redis.call('ZRANGE', queries, 0, 0)[1]
    if not oldest then
        redis.call('HDEL', counters, 'query_bytes')
        break
    end
    dropQuery(oldest)
end
return 1
