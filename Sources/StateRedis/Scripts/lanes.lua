#!lua flags=no-writes
-- Lanes and how many jobs each has, of the first thousand by the time of their first job.
local found = {}
for _, lane in ipairs(redis.call('ZRANGE', lanes, 0, 999)) do
    if lane ~= whole then
        found[#found + 1] = lane
        found[#found + 1] = redis.call('ZCARD', laneKey .. lane)
    end
end
return found
