/// One word of a command.
package enum RedisWord: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    case integer(Int64)
    case bytes([UInt8])

    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
}

/// A command for a server, such as `HGETALL key`.
package struct RedisCommand: Sendable, Hashable {
    /// The name and its arguments, the key included.
    package var words: [RedisWord]
    /// Where the command belongs in a cluster; `nil` for a command that any server can answer.
    package var key: String?

    package init(_ words: [RedisWord], key: String?) {
        self.words = words
        self.key = key
    }

    /// `NAME key argument …`
    package init(_ name: String, key: String, _ arguments: RedisWord...) {
        var words: [RedisWord] = []
        words.reserveCapacity(2 + arguments.count)
        words.append(.text(name))
        words.append(.text(key))
        words.append(contentsOf: arguments)
        self.init(words, key: key)
    }
}
