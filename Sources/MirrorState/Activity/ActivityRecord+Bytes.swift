/// A record as stores keep it: 8 bytes, and 28 for each pool, little-endian.
///
/// - firstSeen u32, class u32
/// - for each pool: pool u32, uses u16, place u8, version u8 (0), first u32, own u32, clock u32, gone u32, open f32
extension ActivityRecord {
    private static let headLength = 8
    private static let poolLength = 28

    /// - Returns: `nil` for what this version did not write.
    package init?(bytes: [UInt8]) {
        let rest = bytes.count - Self.headLength
        guard rest >= 0, rest.isMultiple(of: Self.poolLength), rest / Self.poolLength <= Self.maxPools else { return nil }
        var pools: [PoolUses] = []
        for start in stride(from: Self.headLength, to: bytes.count, by: Self.poolLength) {
            guard bytes[start + 7] == 0 else { return nil }
            let open = Float(bitPattern: Self.word(bytes, start + 24))
            pools.append(
                PoolUses(
                    pool: Self.word(bytes, start), uses: UInt16(bytes[start + 4]) | UInt16(bytes[start + 5]) << 8,
                    first: Self.word(bytes, start + 8),
                    own: Self.word(bytes, start + 12), clock: Self.word(bytes, start + 16), place: bytes[start + 6],
                    gone: Self.word(bytes, start + 20), open: open.isFinite ? open : 0))
        }
        self.init(firstSeen: Self.word(bytes, 0), artifactClass: Self.word(bytes, 4), pools: pools)
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headLength + pools.count * Self.poolLength)
        Self.append(firstSeen, to: &bytes)
        Self.append(artifactClass, to: &bytes)
        for uses in pools {
            Self.append(uses.pool, to: &bytes)
            bytes += [UInt8(truncatingIfNeeded: uses.uses), UInt8(truncatingIfNeeded: uses.uses >> 8), uses.place, 0]
            for word in [uses.first, uses.own, uses.clock, uses.gone, uses.open.bitPattern] { Self.append(word, to: &bytes) }
        }
        return bytes
    }

    private static func word(_ bytes: [UInt8], _ start: Int) -> UInt32 {
        UInt32(bytes[start]) | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2]) << 16 | UInt32(bytes[start + 3]) << 24
    }

    private static func append(_ word: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
    }
}
