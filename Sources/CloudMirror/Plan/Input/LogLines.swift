/// Splits blocks into lines, or into pieces of a known length.
final class LogLines {
    /// Bytes; a longer line is cut, which makes it unreadable.
    static let maxLength = 1 << 20
    private static let blockSize = 1 << 18

    private let blocks: any LogBlocks
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: LogLines.blockSize, alignment: 16)
    private var start = 0
    private var end = 0
    private var isAtEnd = false

    init(_ blocks: any LogBlocks) {
        self.blocks = blocks
    }

    deinit { buffer.deallocate() }

    var position: Int64 { blocks.position }

    /// - Returns: The next line without its line break, valid until the next call; `nil` at the end.
    func next() throws -> LogBytes? {
        var scanned = start
        while true {
            if let newline = Self.newline(buffer, scanned, end) {
                let line = line(to: newline)
                start = newline + 1
                return line
            }
            scanned = end
            if isAtEnd || end - start >= Self.maxLength {
                guard start < end else { return nil }
                defer { start = end }
                return line(to: end)
            }
            let kept = end - start
            try fill()
            scanned = start + kept
        }
    }

    /// - Parameter count: At most ``maxLength``.
    /// - Returns: That many bytes, valid until the next call; `nil` if the file ends before.
    func take(_ count: Int) throws -> LogBytes? {
        while end - start < count {
            guard !isAtEnd else { return nil }
            try fill()
        }
        defer { start += count }
        return LogBytes(rebasing: buffer[start..<start + count])
    }

    private func line(to end: Int) -> LogBytes {
        let isCRLF = end > start && buffer[end - 1] == 0x0D
        return LogBytes(rebasing: buffer[start..<(isCRLF ? end - 1 : end)])
    }

    private static func newline(_ buffer: UnsafeMutableRawBufferPointer, _ from: Int, _ to: Int) -> Int? {
        var index = from
        // Eight bytes at a time: a byte of `difference` is zero where the block has a line break.
        while index + 8 <= to {
            let difference = buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ 0x0A0A_0A0A_0A0A_0A0A
            let zeros = (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
            if zeros != 0 { return index + UInt64(littleEndian: zeros).trailingZeroBitCount / 8 }
            index += 8
        }
        while index < to {
            if buffer[index] == 0x0A { return index }
            index += 1
        }
        return nil
    }

    /// Moves the remaining bytes to the front, and reads more after them.
    private func fill() throws {
        let kept = end - start
        if kept > buffer.count / 2 {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: buffer.count * 2, alignment: 16)
            larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
            buffer.deallocate()
            buffer = larger
        } else if kept > 0 {
            // The two ranges may overlap.
            UnsafeMutableRawBufferPointer(rebasing: buffer[..<kept]).copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
        }
        start = 0
        end = kept
        let count = try blocks.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
        end += count
        isAtEnd = count == 0
    }
}
