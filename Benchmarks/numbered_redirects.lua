-- For wrk: the same as redirects.lua, for paths that differ in a number of seven digits.
-- The file has what stands before the number, what stands behind it, the order ("random" or "turn"), how many there are, and the first.

dofile((debug.getinfo(1, "S").source:match("@(.*/)") or "") .. "redirects.lua")

function init(args)
    local lines = {}
    for line in io.lines(args[1]) do lines[#lines + 1] = line end
    local request = wrk.format("GET", lines[1] .. "%d" .. lines[2])
    before, behind = request:match("^(.-)%%d(.*)$")
    is_random, count, turn, other = lines[3] == "random", tonumber(lines[4]), tonumber(lines[5]) - 1, 0
    math.randomseed(os.time())
end

function request()
    turn = is_random and math.random(0, count - 1) or (turn + 1) % count
    return before .. string.format("%07d", turn) .. behind
end
