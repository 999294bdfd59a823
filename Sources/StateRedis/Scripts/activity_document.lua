-- Replaces a document. KEYS[1]: the document, ARGV[2]: the version that is replaced, ARGV[3]: the new one, ARGV[4]: the channel to tell, ARGV[5]: its name.
--
-- Returns the new version, or false where another one is there. Versions are by the clock, so that a server that has lost one never gives it again.
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[2] then return false end
local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local new = string.format('%.0f', math.max(tonumber(version) + 1, micros))
redis.call('HSET', KEYS[1], 'version', new, 'bytes', ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return new
