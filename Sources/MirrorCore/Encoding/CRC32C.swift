/// The Castagnoli cyclic redundancy check (RFC 3720 §12.1), eight bytes at a time.
public struct CRC32C: Sendable {
    private var state: UInt32 = .max

    /// The check of no bytes.
    public init() {}

    /// Adds the bytes that come next.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let tables = Self.tables
        var crc = state
        var position = 0
        while position + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ UInt64(crc)
            crc = 0
            for byte in 0..<8 {
                crc ^= tables[(7 - byte) * 256 + Int(word >> (8 * UInt64(byte)) & 0xFF)]
            }
            position += 8
        }
        while position < bytes.count {
            crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[position])) & 0xFF)]
            position += 1
        }
        state = crc
    }

    /// The check of bytes that were read elsewhere.
    ///
    /// - Parameter bytes: As ``bytes`` gives them.
    /// - Returns: `nil` unless they are four.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 else { return nil }
        state = ~bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }

    /// Makes this the check of what was read here and then there.
    ///
    /// - Parameter length: Bytes that were read there.
    public mutating func append(_ other: CRC32C, length: Int64) {
        // Zero bytes in place of the others, by squaring: what one zero bit makes of each bit of the check, then 2, 4, 8 of them.
        var power = Self.zeroBit
        for _ in 0..<3 { power = Self.product(power, power) }
        var check = ~state
        var left = max(length, 0)
        while left > 0 {
            if left & 1 == 1 { check = Self.apply(power, to: check) }
            power = Self.product(power, power)
            left >>= 1
        }
        state = ~(check ^ ~other.state)
    }

    /// What a zero bit makes of each bit of a check, the least significant first.
    private static let zeroBit: [UInt32] = [polynomial] + (0..<31).map { UInt32(1) << $0 }

    private static func product(_ one: [UInt32], _ other: [UInt32]) -> [UInt32] { other.map { apply(one, to: $0) } }

    private static func apply(_ matrix: [UInt32], to check: UInt32) -> UInt32 {
        var result: UInt32 = 0
        for bit in 0..<32 where check >> UInt32(bit) & 1 == 1 { result ^= matrix[bit] }
        return result
    }

    private static let polynomial: UInt32 = 0x82F6_3B78

    /// The check so far, most significant byte first, as `x-goog-hash` and `x-amz-checksum-crc32c` have it.
    public var bytes: [UInt8] {
        let value = ~state
        return [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }

    /// Eight tables of 256: "slicing by eight".
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for index in 0..<256 {
            var crc = UInt32(index)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ polynomial : crc >> 1 }
            tables[index] = crc
        }
        for index in 256..<(8 * 256) {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 0xFF)]
        }
        return tables
    }()
}
