-- Takes the right to compute, or keeps it. KEYS[1]: the lease, ARGV[1]: the time in milliseconds, or empty for the server's own, ARGV[2]: the holder,
-- ARGV[3]: for how many milliseconds. Returns 1, or 0 where it is somebody else's.
local time = redis.call('TIME')
local now = tonumber(ARGV[1]) or math.floor((tonumber(time[1]) * 1000000 + tonumber(time[2])) / 1000)
local function text(number) return string.format('%.0f', number) end

local lease = redis.call('HMGET', KEYS[1], 'holder', 'ends', 'wait')
if lease[1] and lease[1] ~= ARGV[2] then
    local ends, latest = tonumber(lease[2]) or 0, now + (tonumber(lease[3]) or 0)
    if ends > latest then
        -- It was taken before the clock was put back.
        ends = latest
        redis.call('HSET', KEYS[1], 'ends', text(ends))
    end
    if ends > now then return 0 end
end
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'ends', text(now + tonumber(ARGV[3])), 'wait', ARGV[3])
return 1
