/// The cyclic redundancy check CRC-64/NVME: that of `x-ms-content-crc64` and of `x-amz-checksum-crc64nvme`.
public struct CRC64NVME: Sendable {
    static let crc = ReflectedCRC(width: 64, polynomial: 0x9A6C_9329_AC4B_C9B5)

    /// The check so far.
    public private(set) var value: UInt64 = 0

    /// The check of no bytes.
    public init() {}

    /// Adds the bytes that come next.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) { value = ~Self.crc.update(~value, bytes) }

    /// The same, most significant byte first, as `x-amz-checksum-crc64nvme` has it. In `x-ms-content-crc64` they stand the other way round.
    public var bytes: [UInt8] { Self.bytes(of: value) }

    /// A check, most significant byte first.
    public static func bytes(of value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    }

    /// The check of one run of bytes and another behind it, from the checks of both.
    ///
    /// - Parameter length: Bytes of the second; 0 or more.
    public static func joining(_ first: UInt64, _ second: UInt64, length: Int64) -> UInt64 {
        crc.joining(first, second, length: length)
    }
}
