/// What is to be measured: `StateBenchmark REDIS-URL-or-SQLITE-FILE OPERATION [--tasks N] [--seconds N] [--replicas N] [--length N] [--batch N] [--pool NAME] [--prefix TEXT]`.
struct Arguments: Sendable {
    enum Operation: String, Sendable, CaseIterable {
        /// A look at a replica that is there.
        case replica
        /// A claim that leases the job, and the end of the copy.
        case cycle
        /// Uses that are remembered, a batch in one call.
        case touch
        /// `GET` by the client alone, without a store around it.
        case get
        /// The calls of a sweep in a state that has expired replicas, and what others wait for meanwhile.
        case sweep
        /// What replicas cost that are there: bytes of the file, or of Redis' memory.
        case size
    }

    var server: String
    var operation: Operation
    /// How many tasks call at the same time.
    var tasks = 64
    var seconds = 5
    /// How many replicas there are to look at and to use.
    var replicas = 10_000
    /// Bytes of their URLs, at least.
    var length = 0
    var batch = 500
    var pool = "s3/benchmark"
    var prefix = "bench"

    init(_ words: [String]) throws(Failure) {
        guard words.count >= 2, let operation = Operation(rawValue: words[1]) else {
            let operations = Operation.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure("a Redis URL or a SQLite file is needed, and what to do: \(operations)")
        }
        server = words[0]
        self.operation = operation
        var rest = words.dropFirst(2)
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Failure("\(name) needs a value") }
            switch name {
            case "--tasks": tasks = try Self.count(value)
            case "--seconds": seconds = try Self.count(value)
            case "--replicas": replicas = try Self.count(value)
            case "--length": length = try Self.count(value)
            case "--batch": batch = try Self.count(value)
            case "--pool": pool = value
            case "--prefix": prefix = value
            default: throw Failure("\(name) is not known")
            }
        }
    }

    private static func count(_ text: String) throws(Failure) -> Int {
        guard let value = Int(text), (1...10_000_000).contains(value) else { throw Failure("\(text) is no number from 1") }
        return value
    }

    var isRedis: Bool { server.hasPrefix("redis") }
}

/// Why nothing could be measured, or what was measured was wrong.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
