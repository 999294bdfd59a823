/// Hashes names, so that a log's artifacts need not be kept by name. The key is random, so that the author of a log cannot make two names collide.
struct NameHash {
    private let key: (UInt64, UInt64)

    init() {
        key = (.random(in: .min ... .max), .random(in: .min ... .max))
    }

    func hash(_ bytes: LogBytes) -> UInt64 {
        var hash = key.0 ^ UInt64(bytes.count) &* 0x9E37_79B9_7F4A_7C15
        var index = 0
        while index + 8 <= bytes.count {
            hash = Self.mix(hash ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self), key.1)
            index += 8
        }
        var rest: UInt64 = 0
        while index < bytes.count {
            rest = rest << 8 | UInt64(bytes[index])
            index += 1
        }
        return Self.mix(Self.mix(hash ^ rest, key.1), 0x9E37_79B9_7F4A_7C15)
    }

    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b | 1)
        return product.high ^ product.low ^ a.byteSwapped
    }
}
