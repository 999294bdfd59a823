/// A Huffman code of DEFLATE (RFC 1951 §3.2.2).
struct PrefixCode {
    private static let maxLength = 15
    /// The order of the lengths in the code for code lengths (§3.2.7).
    private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    /// Indexed by the next bits of the input: the symbol, then four bits with the length of its code; 0 if no code begins with these bits.
    private let table: [UInt16]
    private let width: Int

    /// - Parameter lengths: The code length of each symbol, 0 for symbols without a code.
    /// - Throws: ``DeflateError`` if the lengths need more codes than exist.
    init(lengths: [Int]) throws {
        var counts = [Int](repeating: 0, count: Self.maxLength + 1)
        for length in lengths { counts[length] += 1 }
        counts[0] = 0
        width = max(1, counts.lastIndex { $0 > 0 } ?? 1)
        var next = [Int](repeating: 0, count: Self.maxLength + 2)
        var code = 0
        for length in 1...Self.maxLength {
            code = (code + counts[length - 1]) << 1
            next[length] = code
            guard code + counts[length] <= 1 << length else { throw DeflateError() }
        }
        var table = [UInt16](repeating: 0, count: 1 << width)
        for (symbol, length) in lengths.enumerated() where length > 0 {
            var reversed = 0
            for bit in 0..<length where next[length] & 1 << bit != 0 { reversed |= 1 << (length - 1 - bit) }
            next[length] += 1
            var index = reversed
            while index < table.count {
                table[index] = UInt16(symbol << 4 | length)
                index += 1 << length
            }
        }
        self.table = table
    }

    func next(_ input: DeflateInput) throws -> Int {
        let entry = table[try input.peek(width)]
        guard entry != 0 else { throw DeflateError() }
        try input.take(Int(entry & 15))
        return Int(entry >> 4)
    }

    static func fixedLiterals() throws -> PrefixCode {
        try PrefixCode(lengths: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
    }

    static func fixedDistances() throws -> PrefixCode { try PrefixCode(lengths: [Int](repeating: 5, count: 30)) }

    /// Reads the codes at the beginning of a block that defines its own (§3.2.7).
    static func read(_ input: DeflateInput) throws -> (literals: PrefixCode, distances: PrefixCode) {
        let literals = try input.bits(5) + 257
        let distances = try input.bits(5) + 1
        let count = try input.bits(4) + 4
        var lengths = [Int](repeating: 0, count: 19)
        for index in 0..<count { lengths[order[index]] = try input.bits(3) }
        let code = try PrefixCode(lengths: lengths)
        lengths = []
        while lengths.count < literals + distances {
            switch try code.next(input) {
            case let length where length < 16: lengths.append(length)
            case 16:
                guard let last = lengths.last else { throw DeflateError() }
                lengths += [Int](repeating: last, count: try input.bits(2) + 3)
            case 17: lengths += [Int](repeating: 0, count: try input.bits(3) + 3)
            default: lengths += [Int](repeating: 0, count: try input.bits(7) + 11)
            }
        }
        guard lengths.count == literals + distances else { throw DeflateError() }
        return (try PrefixCode(lengths: Array(lengths[..<literals])), try PrefixCode(lengths: Array(lengths[literals...])))
    }
}
