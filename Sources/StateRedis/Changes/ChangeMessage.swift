import MirrorCore
import NIOCore

/// The messages that the scripts publish: netstrings, each a length in decimal digits, a colon, and that many bytes.
///
/// - SeeAlso: D. J. Bernstein, "Netstrings" (here without the comma at the end).
enum ChangeMessage {
    /// The maximum number of digits in a length.
    private static let maxDigits = 8

    /// The texts of a message: the URL, then alternately the names and values of the record's fields; or only the hash of a name.
    ///
    /// - Returns: `nil` if it is not one of our messages.
    static func decode(_ payload: ByteBuffer) -> [String]? {
        var rest = payload
        var texts: [String] = []
        while rest.readableBytes > 0 {
            guard let length = readLength(&rest), let bytes = rest.readSlice(length: length),
                let text = String(validating: bytes.readableBytesView, as: UTF8.self)
            else { return nil }
            texts.append(text)
        }
        return texts.count.isMultiple(of: 2) ? nil : texts
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
