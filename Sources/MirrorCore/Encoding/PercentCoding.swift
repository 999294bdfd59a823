/// Percent-encoding (RFC 3986 §2.1).
public enum PercentCoding {
    /// Letters, digits and `-._~`, which never need encoding (RFC 3986 §2.3).
    public static func isUnreserved(_ byte: UInt8) -> Bool {
        // Numbers, because this runs for each byte of each URL.
        let lowered = byte | 0x20
        return (lowered >= 0x61 && lowered <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
            || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E
    }

    /// Encodes every byte that `isAllowed` refuses; by default all except the unreserved ones, much like JavaScript's `encodeURIComponent`.
    public static func encode(_ text: String, where isAllowed: (UInt8) -> Bool = isUnreserved) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count + 16)
        for byte in text.utf8 {
            if isAllowed(byte) { out.append(byte) } else { append(byte, to: &out) }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Encodes a key as a path: every byte except the unreserved ones and slashes. Nothing is normalised: `//`, `.` and `..` are part of a key.
    public static func encode(path: String) -> String {
        encode(path) { isUnreserved($0) || $0 == UInt8(ascii: "/") }
    }

    /// - Returns: `nil` for a `%` that is not followed by two hexadecimal digits, or if the result is not UTF-8.
    public static func decode(_ text: some StringProtocol) -> String? {
        guard let bytes = decodeBytes(text.utf8) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    static func decodeBytes(_ text: some Sequence<UInt8>) -> [UInt8]? {
        // In memory: each byte that is read through the protocol is a call.
        if let decoded = text.withContiguousStorageIfAvailable({ decode(inMemory: $0) }) { return decoded }
        return Array(text).withUnsafeBufferPointer { decode(inMemory: $0) }
    }

    private static func decode(inMemory text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            var byte = text[position]
            if byte == UInt8(ascii: "%") {
                guard position + 2 < text.count, let high = Hex.value(of: text[position + 1]), let low = Hex.value(of: text[position + 2])
                else { return nil }
                byte = high << 4 | low
                position += 2
            }
            out.append(byte)
            position += 1
        }
        return out
    }

    /// `%2F`: upper-case digits (RFC 3986 §6.2.2.1).
    package static func append(_ byte: UInt8, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "%"))
        for value in [byte >> 4, byte & 15] {
            out.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10)
        }
    }
}
