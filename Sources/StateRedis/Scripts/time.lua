#!lua flags=no-writes
-- The time that marks of the pool are of.
return nowText
