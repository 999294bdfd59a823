#!lua flags=allow-oom
-- When the next job can be leased, which number it has, and what time it is. ARGV[2]: how many lanes are passed over, then those lanes.
local job = firstJob(lanesPassed(2))
if not job then return false end
return { text(job.at), text(job.number), nowText }
