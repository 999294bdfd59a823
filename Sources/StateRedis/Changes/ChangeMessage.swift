import MirrorCore
import NIOCore
import RedisClient

/// The messages that the scripts publish: netstrings, each a length in decimal digits, a colon, and that many bytes.
///
/// - SeeAlso: D. J. Bernstein, "Netstrings" (here without the comma at the end).
enum ChangeMessage {
    /// The maximum number of digits in a length.
    private static let maxDigits = 8

    /// The parts of a message: the URL, then alternately the names and values of the record's fields; or only the hash of a name.
    ///
    /// - Returns: `nil` if it is not one of our messages.
    static func decode(_ payload: ByteBuffer) -> [RedisValue]? {
        var rest = payload
        var parts: [RedisValue] = []
        // The fields of a present replica.
        parts.reserveCapacity(16)
        while rest.readableBytes > 0 {
            guard let length = readLength(&rest), let bytes = rest.readSlice(length: length) else { return nil }
            parts.append(.blob(bytes))
        }
        return parts.count.isMultiple(of: 2) ? nil : parts
    }

    private static func readLength(_ bytes: inout ByteBuffer) -> Int? {
        var length = 0
        for _ in 0...maxDigits {
            switch bytes.readInteger(as: UInt8.self) {
            case UInt8(ascii: ":"): return length
            case let digit? where digit.isASCIIDigit:
                length = length * 10 + Int(digit - UInt8(ascii: "0"))
            default: return nil
            }
        }
        return nil
    }
}
