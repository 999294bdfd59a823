/// The cyclic redundancy check CRC-64/NVME, as in `x-ms-content-crc64` and `x-amz-checksum-crc64nvme`.
public struct CRC64NVME: Sendable {
    static let crc = ReflectedCRC(width: 64, polynomial: 0x9A6C_9329_AC4B_C9B5)

    /// The checksum so far.
    public private(set) var value: UInt64 = 0

    /// The checksum of no bytes.
    public init() {}

    /// Adds the next bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) { value = ~Self.crc.update(~value, bytes) }

    /// The same, most significant byte first, as in `x-amz-checksum-crc64nvme`. In `x-ms-content-crc64` the order of the bytes is reversed.
    public var bytes: [UInt8] { Self.bytes(of: value) }

    /// The bytes of a checksum, most significant first.
    public static func bytes(of value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    }

    /// The checksum of two consecutive runs of bytes, from the checksums of both.
    ///
    /// - Parameter length: Bytes of the second run; 0 or more.
    public static func joining(_ first: UInt64, _ second: UInt64, length: Int64) -> UInt64 {
        crc.joining(first, second, length: length)
    }
}
