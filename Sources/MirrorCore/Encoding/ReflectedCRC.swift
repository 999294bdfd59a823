import CChecksums

/// A cyclic redundancy check that processes the lowest bit of each byte first, as all those in HTTP fields do. See ``CRC32C`` and ``CRC64NVME``.
///
/// A register is kept in the lowest bits of a word. The highest of these bits is the lowest power of x.
struct ReflectedCRC: Sendable {
    /// Bits of a register; at most 64.
    private let width: Int
    /// Without its highest power.
    private let polynomial: UInt64
    /// Eight tables of 256: "slicing by eight".
    private let tables: [UInt64]
    /// For `c_checksums_fold`.
    private let keys: [UInt64]
    /// Whether to do without the processor's multiplication.
    private let isPortable: Bool

    /// The processor's multiplication is worthwhile from this many bytes on.
    private static let leastFolded = 64

    init(width: Int, polynomial: UInt64, isPortable: Bool = false) {
        self.width = width
        self.polynomial = polynomial
        self.isPortable = isPortable
        var tables = (0..<8 * 256).map { UInt64($0) }
        for index in 0..<256 {
            for _ in 0..<8 { tables[index] = Self.timesX(tables[index], polynomial) }
        }
        for index in 256..<8 * 256 {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 0xFF)]
        }
        self.tables = tables
        keys = [575, 511, 191, 127, 1_087, 1_023].map { Self.power($0, width, polynomial) << UInt64(64 - width) }
    }

    /// The register after more bytes.
    func update(_ register: UInt64, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard bytes.count >= Self.leastFolded, !isPortable, let start = bytes.baseAddress else { return updateByTables(register, bytes) }
        let whole = bytes.count & ~15
        let folded = withUnsafeTemporaryAllocation(byteCount: 16, alignment: 16) { folded -> UInt64? in
            guard let room = folded.baseAddress?.assumingMemoryBound(to: UInt8.self), c_checksums_fold(start, whole, register, keys, room)
            else { return nil }
            return updateByTables(0, UnsafeRawBufferPointer(folded))
        }
        guard let folded else { return updateByTables(register, bytes) }
        return updateByTables(folded, UnsafeRawBufferPointer(rebasing: bytes[whole...]))
    }

    private func updateByTables(_ register: UInt64, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let tables = tables
        var register = register
        var position = 0
        while position + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ register
            register = 0
            for byte in 0..<8 {
                register ^= tables[(7 - byte) * 256 + Int(word >> (8 * UInt64(byte)) & 0xFF)]
            }
            position += 8
        }
        while position < bytes.count {
            register = register >> 8 ^ tables[Int((register ^ UInt64(bytes[position])) & 0xFF)]
            position += 1
        }
        return register
    }

    /// The checksum of two consecutive runs of bytes, from the checksums of both.
    ///
    /// Like zlib's `crc32_combine`: the first is advanced by as many zeros as the second run has bits, which is a multiplication by a power of x.
    ///
    /// - Parameter length: Bytes of the second run; a negative number counts as 0.
    func joining(_ first: UInt64, _ second: UInt64, length: Int64) -> UInt64 {
        let zeros = Self.power(UInt64(max(length, 0)), width, polynomial, of: Self.power(8, width, polynomial))
        return Self.product(first, zeros, width, polynomial) ^ second
    }

    // MARK: Polynomials

    private static func timesX(_ value: UInt64, _ polynomial: UInt64) -> UInt64 {
        value & 1 == 1 ? value >> 1 ^ polynomial : value >> 1
    }

    private static func product(_ one: UInt64, _ other: UInt64, _ width: Int, _ polynomial: UInt64) -> UInt64 {
        var result: UInt64 = 0
        var moved = other
        for bit in (0..<width).reversed() {
            if one >> UInt64(bit) & 1 == 1 { result ^= moved }
            moved = timesX(moved, polynomial)
        }
        return result
    }

    /// - Parameter base: `nil` for x.
    private static func power(_ exponent: UInt64, _ width: Int, _ polynomial: UInt64, of base: UInt64? = nil) -> UInt64 {
        var result: UInt64 = 1 << UInt64(width - 1)
        var square = base ?? result >> 1
        var left = exponent
        while left > 0 {
            if left & 1 == 1 { result = product(result, square, width, polynomial) }
            square = product(square, square, width, polynomial)
            left >>= 1
        }
        return result
    }
}
