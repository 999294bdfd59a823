/// Finds bytes, eight at a time.
enum ByteSearch {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// - Returns: The end of `bytes` if there is none.
    @inline(__always)
    static func first(_ byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        first(byte, or: byte, in: bytes, from: start)
    }

    /// - Returns: The end of `bytes` if there is neither.
    @inline(__always)
    static func first(_ byte: UInt8, or other: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        let (pattern, otherPattern) = (ones &* UInt64(byte), ones &* UInt64(other))
        var position = start
        while position &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let (one, two) = (word ^ pattern, word ^ otherPattern)
            // The lowest marked byte is exact; those above it need not be.
            let found = ((one &- ones) & ~one | (two &- ones) & ~two) & highs
            if found != 0 { return position &+ found.trailingZeroBitCount / 8 }
            position &+= 8
        }
        while position < bytes.count, bytes[position] != byte, bytes[position] != other { position &+= 1 }
        return position
    }
}

extension UnsafeRawBufferPointer {
    @inline(__always)
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }

    func begins(with text: StaticString, at start: Int = 0) -> Bool {
        guard count - start >= text.utf8CodeUnitCount else { return false }
        for position in 0..<text.utf8CodeUnitCount where self[start + position] != text.utf8Start[position] { return false }
        return true
    }

    func begins(with bytes: [UInt8]) -> Bool {
        guard count >= bytes.count else { return false }
        for position in 0..<bytes.count where self[position] != bytes[position] { return false }
        return true
    }
}
