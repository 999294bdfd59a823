/// Writes bytes one after the other into a space; leaves out what does not fit.
struct ByteCursor {
    private static let hexDigits: StaticString = "0123456789abcdef"
    private static let base64Digits: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    private let space: UnsafeMutableRawBufferPointer
    /// Bytes written so far.
    private(set) var position = 0

    init(_ space: UnsafeMutableRawBufferPointer) {
        self.space = space
    }

    mutating func append(_ byte: UInt8) {
        guard position < space.count else { return }
        space[position] = byte
        position += 1
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let from = bytes.baseAddress, let to = space.baseAddress, bytes.count <= space.count - position else { return }
        (to + position).copyMemory(from: from, byteCount: bytes.count)
        position += bytes.count
    }

    mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { append(UnsafeRawBufferPointer($0)) }
    }

    /// In lower case.
    mutating func append(hex bytes: UnsafeRawBufferPointer) {
        let digits = Self.hexDigits.utf8Start
        for byte in bytes {
            append(digits[Int(byte >> 4)])
            append(digits[Int(byte & 15)])
        }
    }

    /// With padding.
    mutating func append(base64 bytes: UnsafeRawBufferPointer) {
        let digits = Self.base64Digits.utf8Start
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group = Int(bytes[start]) << 16
            if count > 1 { group |= Int(bytes[start + 1]) << 8 }
            if count > 2 { group |= Int(bytes[start + 2]) }
            append(digits[group >> 18])
            append(digits[group >> 12 & 63])
            append(count > 1 ? digits[group >> 6 & 63] : UInt8(ascii: "="))
            append(count > 2 ? digits[group & 63] : UInt8(ascii: "="))
        }
    }

    /// - Parameter number: Not negative.
    mutating func append(decimal number: Int) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}
