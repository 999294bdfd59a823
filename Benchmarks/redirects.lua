-- For wrk: GETs each path of a file in turn, and prints one line of JSON about what came back.
-- The requests are built before the start, so that wrk spends its time on asking.

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    requests, count, turn, other = {}, 0, 0, 0
    -- Several requests that are sent together are one string.
    local depth, together = tonumber(args[2] or "1"), {}
    for path in io.lines(args[1]) do
        table.insert(together, wrk.format("GET", path))
        if #together == depth then
            count = count + 1
            requests[count] = table.concat(together)
            together = {}
        end
    end
end

function request()
    turn = turn % count + 1
    return requests[turn]
end

-- wrk hands over each answer only if this exists, and is much slower when it does.
if os.getenv("CHECK_STATUS") == "1" then
    function response(status)
        if status ~= 302 then other = other + 1 end
    end
end

function done(summary, latency)
    local others = 0
    for _, thread in ipairs(threads) do others = others + (thread:get("other") or 0) end
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"duration_us":%d,"bytes":%d,"other":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,' ..
        '"p50_us":%d,"p99_us":%d,"max_us":%d}\n',
        summary.requests, summary.duration, summary.bytes, others, errors.status, errors.connect, errors.read, errors.write,
        errors.timeout, latency:percentile(50), latency:percentile(99), latency.max))
end
