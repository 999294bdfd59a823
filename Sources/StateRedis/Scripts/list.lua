#!lua flags=allow-oom
-- Replicas in any state, in the order of their URLs. ARGV[2]: the last URL of the page before, or empty; ARGV[3]: how many.
--
-- Returns whether there are no more behind these, the last URL, and of each one its URL and record; the URL alone where there is something
-- else than a record.
local limit = tonumber(ARGV[3])
local last = ARGV[2]

local found, gone, isEnd = {}, 0, false
while #found < limit and gone < 1000 and not isEnd do
    local page = redis.call('ZRANGEBYLEX', urls, last == '' and '-' or '[' .. last .. '!', '+', 'LIMIT', 0, limit - #found)
    isEnd = #page == 0
    for _, member in ipairs(page) do
        local url = string.match(member, '^[^ ]*')
        local fields = readIfRecord(url)
        if not fields or next(fields) then
            found[#found + 1] = flat({ url }, fields or {})
        else
            mend(url, fields)
            gone = gone + 1
        end
        last = url
    end
end
return { isEnd and 1 or 0, last, unpack(found) }
