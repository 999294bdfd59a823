/// Reads bits, the lowest of each byte first (RFC 1951 §3.1.1).
final class DeflateInput {
    private static let blockSize = 1 << 16

    let blocks: any LogBlocks
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: DeflateInput.blockSize, alignment: 16)
    private var index = 0
    private var end = 0
    private var bits: UInt64 = 0
    private var bitCount = 0

    init(_ blocks: any LogBlocks) {
        self.blocks = blocks
    }

    deinit { buffer.deallocate() }

    /// The next `count` bits, without consuming them; zeros after the end of the data.
    func peek(_ count: Int) throws -> Int {
        if bitCount < count { try fill() }
        return Int(bits & (1 << UInt64(count) - 1))
    }

    func take(_ count: Int) throws {
        guard count <= bitCount else { throw DeflateError() }
        bits >>= UInt64(count)
        bitCount -= count
    }

    /// - Parameter count: 0...32.
    func bits(_ count: Int) throws -> Int {
        let value = try peek(count)
        try take(count)
        return value
    }

    func alignToByte() {
        bits >>= UInt64(bitCount % 8)
        bitCount -= bitCount % 8
    }

    func byte() throws -> UInt8 { UInt8(try bits(8)) }
    func word() throws -> UInt32 { UInt32(try bits(32)) }

    func byteIfAny() throws -> UInt8? {
        if bitCount < 8 { try fill() }
        return bitCount >= 8 ? try byte() : nil
    }

    func areZerosToTheEnd() throws -> Bool {
        while let byte = try byteIfAny() {
            if byte != 0 { return false }
        }
        return true
    }

    private func fill() throws {
        while bitCount <= 56 {
            if index == end {
                end = try blocks.read(into: buffer)
                index = 0
                if end == 0 { return }
            }
            bits |= UInt64(buffer[index]) << UInt64(bitCount)
            index += 1
            bitCount += 8
        }
    }
}
