package import NIOCore

/// A reply of a server (RESP3).
///
/// Sets become arrays, verbatim strings blobs, and big numbers simple strings; attributes are skipped, and pushes are events.
package enum RedisValue: Sendable, Hashable {
    case null
    /// A short text such as `OK`.
    case simple(String)
    /// A string of any bytes.
    case blob(ByteBuffer)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    case array([RedisValue])
    /// Alternately keys and values, in the order of the reply.
    case map([RedisValue])
    /// An error inside an array, or of one of several commands that were sent together; any other is thrown.
    case error(RedisError)
}

extension RedisValue {
    package var isNull: Bool { self == .null }

    /// The text of a string reply; `nil` for any other reply, or if it is not UTF-8.
    package var string: String? {
        switch self {
        case .simple(let text): text
        case .blob(let bytes): String(validating: bytes.readableBytesView, as: UTF8.self)
        default: nil
        }
    }

    /// Whether it is a string reply with this text. Copies nothing.
    package func isText(_ text: StaticString) -> Bool {
        let text = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        switch self {
        case .simple(let other): return other.utf8.elementsEqual(text)
        case .blob(let bytes): return bytes.readableBytes == text.count && bytes.withUnsafeReadableBytes { $0.elementsEqual(text) }
        default: return false
        }
    }

    /// The bytes of a string reply; `nil` for any other reply.
    package var bytes: [UInt8]? {
        switch self {
        case .simple(let text): Array(text.utf8)
        case .blob(let bytes): Array(bytes.readableBytesView)
        default: nil
        }
    }

    /// An integer reply, or a string that is one.
    package var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .simple, .blob: string.flatMap { Int64($0) }
        default: nil
        }
    }

    /// The elements of an array, or alternately the keys and values of a map.
    package var array: [RedisValue]? {
        switch self {
        case .array(let values), .map(let values): values
        default: nil
        }
    }
}
