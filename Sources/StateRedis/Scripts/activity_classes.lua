-- Adds classes. KEYS[1]: the numbers of the classes by name, ARGV[2]: how many there may be, ARGV[3]: what those beyond that are called, ARGV[4]...:
-- names. Returns all names, each with its number.
local classes, limit = KEYS[1], tonumber(ARGV[2])
for at = 4, #ARGV do
    local name, count = ARGV[at], redis.call('HLEN', classes)
    if redis.call('HEXISTS', classes, name) == 0 then
        if count >= limit then name = ARGV[3] end
        redis.call('HSETNX', classes, name, count)
    end
end
return redis.call('HGETALL', classes)
