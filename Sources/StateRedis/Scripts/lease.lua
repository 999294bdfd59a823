#!lua flags=allow-oom
-- Leases the job that is due first, with the arguments and the answer of leaseNext(), from ARGV[2] on.
return leaseNext(2)
