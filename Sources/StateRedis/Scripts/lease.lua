#!lua flags=allow-oom
-- Leases the job that is due first, by the terms that termsAt() reads from ARGV[2] on; the answer is that of leaseNext().
return leaseNext(termsAt(2))
