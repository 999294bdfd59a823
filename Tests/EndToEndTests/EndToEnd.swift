import Testing

/// Tests of the real executable in a process of its own, over real sockets. One at a time: each has processes of its own, and several
/// measure time.
@Suite(.serialized)
enum EndToEnd {}

/// More of them, which mostly wait and leave the processors alone: they run beside the others, one at a time as well.
@Suite(.serialized)
enum EndToEndWaits {}

/// Those of several processes that share a Redis, and of processes that end while something hangs. They wait, too.
@Suite(.serialized)
enum EndToEndNodes {}
