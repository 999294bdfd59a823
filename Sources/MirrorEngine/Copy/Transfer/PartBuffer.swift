import NIOCore

/// The bytes of a part, gathered in memory.
///
/// Copied, and not kept as the chunks that arrived: a chunk of a few bytes may hold a receive buffer of a few hundred thousand. All blocks but the first are used
/// again by other parts (``CopyMemory``): the system takes several times as long to provide new memory as it takes to copy bytes into it.
struct PartBuffer {
    /// Bytes of a block that is full.
    static let blockSize = 512 << 10

    private let memory: PartMemory
    private var blocks: [ByteBuffer] = []
    /// Bytes for which there is memory.
    private var granted: Int64 = 0
    private(set) var count = 0

    init(_ memory: PartMemory) {
        self.memory = memory
    }

    /// Moves bytes from the beginning of a chunk to the end of the part, once there is memory for them.
    ///
    /// - Parameter length: Bytes; no more than the chunk has.
    /// - Throws: `CancellationError`.
    mutating func take(_ length: Int, from chunk: inout ByteBuffer) async throws {
        if Int64(count + length) > granted { granted = try await memory.take(Int64(count + length)) }
        var left = length
        while left > 0, var piece = chunk.readSlice(length: min(left, room)) {
            left -= piece.readableBytes
            count += piece.readableBytes
            blocks[blocks.count - 1].writeBuffer(&piece)
        }
    }

    /// Bytes that the last block has room for, after there is one that has some.
    private var room: Int {
        mutating get {
            if blocks.isEmpty {
                blocks.append(ByteBuffer())
            } else if blocks[blocks.count - 1].readableBytes == Self.blockSize {
                blocks.append(memory.block())
            }
            // The first grows with the memory that there is for it.
            if blocks.count == 1 { blocks[0].reserveCapacity(Int(min(granted, Int64(Self.blockSize)))) }
            return Self.blockSize - blocks[blocks.count - 1].readableBytes
        }
    }

    /// All bytes, in blocks that are used again once the part's memory is given back.
    func finish() -> [ByteBuffer] {
        memory.keep(blocks)
        return blocks
    }
}
