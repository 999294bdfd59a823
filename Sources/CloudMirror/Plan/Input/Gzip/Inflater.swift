/// Decompresses one stream (RFC 1951), and computes the CRC-32 and the size of the output.
final class Inflater {
    private enum Block {
        case none
        /// Bytes left in the block.
        case stored(Int)
        case compressed(literals: PrefixCode, distances: PrefixCode)
    }

    private static let windowSize = 1 << 15
    private static let maxMatch = 258

    private let input: DeflateInput
    private var block = Block.none
    private var isLast = false
    /// The last 32 KiB of output, followed by output that has not been taken yet.
    private let window = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
    private var start = 0
    private var end = 0
    private var crc: UInt32 = 0xFFFF_FFFF
    private(set) var size: Int64 = 0

    init(_ input: DeflateInput) {
        self.input = input
    }

    deinit { window.deallocate() }

    var checksum: UInt32 { ~crc }

    /// - Returns: 0 at the end of the stream.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if start == end {
            moveWindow()
            try decode()
        }
        let count = min(buffer.count, end - start)
        guard count > 0 else { return 0 }
        let part = UnsafeRawBufferPointer(rebasing: window[start..<start + count])
        buffer.copyMemory(from: part)
        start += count
        return count
    }

    private func moveWindow() {
        guard end > window.count / 2 else { return }
        let kept = UnsafeRawBufferPointer(rebasing: window[(end - Self.windowSize)..<end])
        UnsafeMutableRawBufferPointer(rebasing: window[..<Self.windowSize]).copyMemory(from: kept)
        start = Self.windowSize
        end = Self.windowSize
    }

    private var isFull: Bool { end + Self.maxMatch > window.count }

    private func decode() throws {
        let from = end
        while !isFull {
            switch block {
            case .none:
                if isLast { break }
                try beginBlock()
                continue
            case .stored(let left):
                try copyStored(left)
                continue
            case .compressed(let literals, let distances):
                if try decode(literals, distances) { block = .none }
                continue
            }
            break
        }
        for index in from..<end {
            crc = CRC32.table[Int(UInt8(truncatingIfNeeded: crc) ^ window[index])] ^ crc >> 8
        }
        size += Int64(end - from)
    }

    private func beginBlock() throws {
        isLast = try input.bits(1) == 1
        switch try input.bits(2) {
        case 0:
            input.alignToByte()
            let length = try input.bits(16)
            guard try input.bits(16) == ~length & 0xFFFF else { throw DeflateError() }
            block = .stored(length)
        case 1: block = .compressed(literals: try .fixedLiterals(), distances: try .fixedDistances())
        case 2:
            let (literals, distances) = try PrefixCode.read(input)
            block = .compressed(literals: literals, distances: distances)
        default: throw DeflateError()
        }
    }

    private func copyStored(_ left: Int) throws {
        let count = min(left, window.count - end)
        for _ in 0..<count {
            window[end] = try input.byte()
            end += 1
        }
        block = left > count ? .stored(left - count) : .none
    }

    /// - Returns: Whether the block has ended.
    private func decode(_ literals: PrefixCode, _ distances: PrefixCode) throws -> Bool {
        while !isFull {
            let symbol = try literals.next(input)
            if symbol < 256 {
                window[end] = UInt8(truncatingIfNeeded: symbol)
                end += 1
                continue
            }
            if symbol == 256 { return true }
            guard symbol <= 285 else { throw DeflateError() }
            let (base, extra) = Self.lengths[symbol - 257]
            let length = base + (try input.bits(extra))
            let code = try distances.next(input)
            guard code < 30 else { throw DeflateError() }
            let distance = Self.distances[code].base + (try input.bits(Self.distances[code].extra))
            guard distance <= end, distance <= Self.windowSize else { throw DeflateError() }
            // Byte by byte, because the source may overlap with what was just written.
            for _ in 0..<length {
                window[end] = window[end - distance]
                end += 1
            }
        }
        return false
    }

    /// RFC 1951 §3.2.5: the smallest value of each code, and the number of extra bits that are added to it.
    private static let lengths: [(base: Int, extra: Int)] = {
        var table: [(base: Int, extra: Int)] = []
        var base = 3
        for code in 0..<28 {
            let extra = code < 8 ? 0 : code / 4 - 1
            table.append((base, extra))
            base += 1 << extra
        }
        return table + [(258, 0)]
    }()

    private static let distances: [(base: Int, extra: Int)] = {
        var table: [(base: Int, extra: Int)] = []
        var base = 1
        for code in 0..<30 {
            let extra = code < 4 ? 0 : code / 2 - 1
            table.append((base, extra))
            base += 1 << extra
        }
        return table
    }()
}

/// The checksum of gzip (RFC 1952 §8).
enum CRC32 {
    static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }
}
