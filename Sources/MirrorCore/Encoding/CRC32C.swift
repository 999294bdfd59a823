/// The Castagnoli cyclic redundancy check (RFC 3720 §12.1).
public struct CRC32C: Sendable {
    static let crc = ReflectedCRC(width: 32, polynomial: 0x82F6_3B78)

    private var value: UInt64 = 0

    /// The check of no bytes.
    public init() {}

    /// The check of bytes that were read elsewhere.
    ///
    /// - Parameter bytes: As ``bytes`` gives them.
    /// - Returns: `nil` unless they are four.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Adds the bytes that come next.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let ones = UInt64(UInt32.max)
        value = Self.crc.update(value ^ ones, bytes) ^ ones
    }

    /// Makes this the check of what was read here and then there.
    ///
    /// - Parameter length: Bytes that were read there.
    public mutating func append(_ other: CRC32C, length: Int64) { value = Self.crc.joining(value, other.value, length: length) }

    /// The check so far, most significant byte first, as `x-goog-hash` and `x-amz-checksum-crc32c` have it.
    public var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt64($0))) } }
}
