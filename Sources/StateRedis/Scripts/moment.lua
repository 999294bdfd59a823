#!lua flags=allow-oom
-- The last number that was given: removals that end later have larger ones. From now on it is known which removals end.
rememberRemovals()
return redis.call('HGET', counters, 'number')
