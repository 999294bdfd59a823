#!lua flags=allow-oom
-- When the next job can be leased, which number it has, and what time it is.
local job = firstJob()
if not job then return false end
return { text(job.at), text(job.number), text(now) }
