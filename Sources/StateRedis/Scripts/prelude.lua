-- Shared by all scripts: put in front of each, behind its first line where that one says how the server is to run it. Between the two stand those
-- of the other preludes that the script uses: the server makes every function anew each time that a script runs.
--
-- A script is one transition of one pool. Its first key is that of the pool's counters, which gives the names of the pool's other keys: they have
-- the same hash tag, and so are on the same server. From the second on there are those of the replicas that the call names. A replica is named by
-- the SHA-256 of its URL, which stands in its record and nowhere else. ARGV[1] is the time in milliseconds, or empty for the server's own.
--
-- Lua's numbers are doubles: exact up to 2^53, and written by text(), because tostring() would round them. To write or read one takes as long as
-- a short command of Redis, so what is a text stays one, and numbers in commands are texts.

local counters, firstReplica = KEYS[1], 2
local base = string.sub(counters, 1, -1 - #'counters')

local time = redis.call('TIME')
local microsText = time[1] .. string.rep('0', 6 - #time[2]) .. time[2]
local nowText = ARGV[1] ~= '' and ARGV[1] or string.sub(microsText, 1, -4)
local micros, now = tonumber(microsText), tonumber(nowText)

-- `%d` is faster, but only for what is exact.
local function text(number) return string.format(math.abs(number) < 9007199254740992 and '%d' or '%.0f', number) end

local last

-- A number that no job, no lease and no removal had before. By the clock, so that neither an empty server nor one that lost its last writes gives
-- one again.
local function nextNumber()
    last = last or tonumber(redis.call('HGET', counters, 'number') or 0) or 0
    local isByClock = micros > last
    last = isByClock and micros or last + 1
    local number = isByClock and microsText or text(last)
    redis.call('HSET', counters, 'number', number)
    return number
end

-- Of a time until which somebody waits: no later than the whole wait from now. It was written before the clock was put back, or before a fail-over
-- to a server whose clock is behind.
local function clamped(at, wait) return math.min(tonumber(at) or 0, now + (tonumber(wait) or 0)) end

-- Of a use: one that lies far ahead was noted by a clock that is wrong, and counts as one now.
local function usedAt(at) return (tonumber(at) or 0) > now + 3600000 and nowText or at end
