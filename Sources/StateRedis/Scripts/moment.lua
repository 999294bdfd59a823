#!lua flags=allow-oom
-- The last number that was given: removals that end later have larger ones. From now on it is known which removals end. Where the counters were lost,
-- a new one: it is larger than those that were given.
rememberRemovals()
return redis.call('HGET', counters, 'number') or nextNumber()
