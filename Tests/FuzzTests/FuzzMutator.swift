import TestServers

/// Makes odd input out of good input.
struct FuzzMutator {
    static let maxLength = 64 << 10

    private let pool: [[UInt8]]
    private let words: [[UInt8]]
    private var random: SeededGenerator

    /// - Parameters:
    ///   - pool: Inputs to begin with.
    ///   - words: What means something to who reads them.
    init(_ pool: [[UInt8]], words: [[UInt8]], seed: UInt64) {
        self.pool = pool
        self.words = words
        random = SeededGenerator(seed: seed)
    }

    mutating func next() -> [UInt8] {
        var bytes = pool.randomElement(using: &random) ?? []
        if number(8) == 0, let other = pool.randomElement(using: &random) {
            // The beginning of one and the end of another.
            bytes = Array(bytes.prefix(number(bytes.count + 1)) + other.suffix(number(other.count + 1)))
        }
        for _ in 0...number(6) { mutate(&bytes) }
        return bytes.count > Self.maxLength ? Array(bytes.prefix(Self.maxLength)) : bytes
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        let place = number(bytes.count + 1)
        let end = min(bytes.count, place + number(16) + 1)
        switch number(11) {
        case 0 where place < bytes.count: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
        case 1 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 2 where place < end: bytes.removeSubrange(place..<end)
        case 3 where place < end: bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
        case 4: bytes.insert(contentsOf: oddBytes(), at: place)
        case 5, 6: bytes.insert(contentsOf: words.randomElement(using: &random) ?? oddBytes(), at: place)
        case 7:
            let word = words.randomElement(using: &random) ?? oddBytes()
            // Much of one thing, as far as it stays short of a limit that has tests of its own.
            bytes.insert(contentsOf: (0..<min(number(300), 4_096 / max(word.count, 1))).flatMap { _ in word }, at: place)
        case 8: bytes.insert(contentsOf: Array(Self.numbers[number(Self.numbers.count)].utf8), at: place)
        case 9 where place < end: bytes.replaceSubrange(place..<end, with: words.randomElement(using: &random) ?? [])
        default: bytes.removeLast(number(bytes.count + 1))
        }
    }

    private mutating func oddBytes() -> [UInt8] {
        Self.odd[number(Self.odd.count)]
    }

    private mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<max(1, bound), using: &random) }

    private static let odd: [[UInt8]] = [
        [0], [0x0A], [0x0D, 0x0A], [0x7F], [0x80], [0xC0, 0xAF], [0xC3], [0xCC, 0x81], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF],
        Array("\u{202E}".utf8), Array("\u{FEFF}".utf8), Array("👩‍👩‍👧".utf8), Array("%".utf8), Array("\\".utf8), Array("\"".utf8),
    ]

    private static let numbers = [
        "0", "-0", "-1", "+1", "00", "1e9", "255", "256", "65535", "65536", "2147483648", "4294967296", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "18446744073709551616", "999999999999999999999999", "0x10", "1.5", "NaN", "inf",
    ]
}
