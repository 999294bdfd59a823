package import NIOCore

/// A reply of a server (RESP3).
///
/// Sets are arrays, verbatim strings are blobs, big numbers are simple strings; attributes are skipped and pushes are events.
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
    /// Keys and values in turn, in the order of the reply.
    case map([RedisValue])
    /// An error inside an array; one that is the whole reply is thrown.
    case error(RedisError)
}

extension RedisValue {
    package var isNull: Bool { self == .null }

    /// The text of a string reply; `nil` when it is none, or no UTF-8.
    package var string: String? {
        switch self {
        case .simple(let text): text
        case .blob(let bytes): String(validating: bytes.readableBytesView, as: UTF8.self)
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

    /// The elements of an array, or keys and values of a map in turn.
    package var array: [RedisValue]? {
        switch self {
        case .array(let values), .map(let values): values
        default: nil
        }
    }
}
