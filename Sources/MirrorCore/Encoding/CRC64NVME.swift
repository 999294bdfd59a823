/// The cyclic redundancy check CRC-64/NVME, eight bytes at a time: that of `x-ms-content-crc64` and of `x-amz-checksum-crc64nvme`.
public struct CRC64NVME: Sendable {
    /// Reflected.
    private static let polynomial: UInt64 = 0x9A6C_9329_AC4B_C9B5

    private var state: UInt64 = .max

    /// The check of no bytes.
    public init() {}

    /// Adds the bytes that come next.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let tables = Self.tables
        var crc = state
        var position = 0
        while position + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ crc
            crc = 0
            for byte in 0..<8 {
                crc ^= tables[(7 - byte) * 256 + Int(word >> (8 * UInt64(byte)) & 0xFF)]
            }
            position += 8
        }
        while position < bytes.count {
            crc = crc >> 8 ^ tables[Int((crc ^ UInt64(bytes[position])) & 0xFF)]
            position += 1
        }
        state = crc
    }

    /// The check so far.
    public var value: UInt64 { ~state }

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
        // As zlib's crc32_combine: the first is moved on by as many zeros as the second has bits, which is a multiplication by a power of x.
        var power: UInt64 = 1 << 63
        var factor: UInt64 = 1 << 55
        var left = length
        while left > 0 {
            if left & 1 == 1 { power = product(factor, power) }
            factor = product(factor, factor)
            left >>= 1
        }
        return product(power, first) ^ second
    }

    /// Of two polynomials, modulo the check's own; the highest bit is the lowest power.
    private static func product(_ one: UInt64, _ other: UInt64) -> UInt64 {
        var result: UInt64 = 0
        var other = other
        var bit: UInt64 = 1 << 63
        while bit > 0 {
            if one & bit > 0 { result ^= other }
            bit >>= 1
            other = other & 1 == 1 ? other >> 1 ^ polynomial : other >> 1
        }
        return result
    }

    /// Eight tables of 256: "slicing by eight".
    private static let tables: [UInt64] = {
        var tables = [UInt64](repeating: 0, count: 8 * 256)
        for index in 0..<256 {
            var crc = UInt64(index)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ CRC64NVME.polynomial : crc >> 1 }
            tables[index] = crc
        }
        for index in 256..<(8 * 256) {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 0xFF)]
        }
        return tables
    }()
}
