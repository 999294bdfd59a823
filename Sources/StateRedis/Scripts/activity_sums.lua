-- Adds to sums. KEYS[1]: the sums, ARGV[2]: how many there may be, then of each its name and what is added.
--
-- Returns the new sums; false for one for which there is no room.
local sums, limit = KEYS[1], tonumber(ARGV[2])
local values = {}
for at = 3, #ARGV, 2 do
    local hasRoom = redis.call('HEXISTS', sums, ARGV[at]) == 1 or redis.call('HLEN', sums) < limit
    values[#values + 1] = hasRoom and redis.call('HINCRBYFLOAT', sums, ARGV[at], ARGV[at + 1])
end
return values
