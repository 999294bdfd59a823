package import MirrorCore

/// What an artifact's activity is recorded under: the first 16 bytes of the hash in its ``ObjectKey``.
package struct ActivityKey: Sendable, Hashable, Comparable {
    /// The bytes, the first of them highest.
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(_ artifact: ArtifactURL) {
        let words = artifact.nameHashWords
        self.init(high: UInt64(bigEndian: words[0]), low: UInt64(bigEndian: words[1]))
    }

    package static func < (one: ActivityKey, other: ActivityKey) -> Bool { (one.high, one.low) < (other.high, other.low) }

    // MARK: Bytes

    package static let length = 16

    /// - Returns: `nil` unless there are ``length`` bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        let words = bytes.reduce(into: (high: UInt64(0), low: UInt64(0))) { words, byte in
            words.high = words.high << 8 | words.low >> 56
            words.low = words.low << 8 | UInt64(byte)
        }
        self.init(high: words.high, low: words.low)
    }

    /// In the order of the keys.
    package var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
    }
}
