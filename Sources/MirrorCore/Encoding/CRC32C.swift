/// The Castagnoli cyclic redundancy check (RFC 3720 §12.1).
public struct CRC32C: Sendable {
    static let crc = ReflectedCRC(width: 32, polynomial: 0x82F6_3B78)

    private var value: UInt64 = 0

    /// The checksum of no bytes.
    public init() {}

    /// A checksum that was computed elsewhere.
    ///
    /// - Parameter bytes: As in ``bytes``.
    /// - Returns: `nil` unless there are four.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Adds the next bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let ones = UInt64(UInt32.max)
        value = Self.crc.update(value ^ ones, bytes) ^ ones
    }

    /// Makes this the checksum of its own bytes followed by those of `other`.
    ///
    /// - Parameter length: The number of bytes of `other`.
    public mutating func append(_ other: CRC32C, length: Int64) { value = Self.crc.joining(value, other.value, length: length) }

    /// The checksum so far, most significant byte first, as in `x-goog-hash` and `x-amz-checksum-crc32c`.
    public var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt64($0))) } }
}
