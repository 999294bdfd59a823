"""A small HTTP/1.1 server that reads strictly, keeps contents on disk, and fails on request."""
