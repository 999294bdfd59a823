#!lua flags=no-writes
-- Present replicas, their bytes, jobs, errors.
return {
    redis.call('ZCARD', present), redis.call('HGET', counters, 'bytes') or '0', redis.call('XLEN', jobs), redis.call('ZCARD', errors),
}
