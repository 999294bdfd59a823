#!lua flags=no-writes
-- Present replicas, their bytes, jobs, errors.
return {
    redis.call('ZCARD', base .. 'present'), redis.call('HGET', counters, 'bytes') or '0', redis.call('XLEN', base .. 'jobs'),
    redis.call('ZCARD', base .. 'errors'),
}
