#!lua flags=allow-oom
-- Replicas in any state, in the order of their URLs. ARGV[2]: the last URL of the page before, or empty; ARGV[3]: how many.
--
-- Returns whether there may be more behind these, and of each one its URL and record.
local limit = tonumber(ARGV[3])
local start = ARGV[2] == '' and '-' or '[' .. ARGV[2] .. '!'

local found, gone, isEnd = {}, 0, false
while #found < limit and gone < 1000 and not isEnd do
    local page = redis.call('ZRANGEBYLEX', urls, start, '+', 'LIMIT', 0, limit - #found)
    isEnd = #page == 0
    for _, member in ipairs(page) do
        local url = string.match(member, '^[^ ]*')
        local fields = read(url)
        if next(fields) then
            found[#found + 1] = flat({ url }, fields)
        else
            mend(url, fields)
            gone = gone + 1
        end
        start = '[' .. url .. '!'
    end
end
return { #found < limit and not isEnd and 1 or 0, unpack(found) }
