package import NIOCore

/// One word of a command: bytes of any kind.
package enum RedisWord: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    case integer(Int64)
    case bytes(ByteBuffer)

    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(_ text: String) { self = .text(text) }
    package init(_ integer: Int64) { self = .integer(integer) }
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
        self.init([.text(name), .text(key)] + arguments, key: key)
    }
}
