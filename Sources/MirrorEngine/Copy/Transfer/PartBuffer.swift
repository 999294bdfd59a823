import NIOCore

/// The bytes of a part, gathered in memory.
///
/// The bytes are copied, because a chunk of a few bytes may hold a receive buffer of a few hundred thousand. Blocks are reused by other parts
/// (``CopyMemory``): the system takes several times as long to provide new memory as it takes to copy bytes into it. A part that was granted no more
/// than half a block has a buffer of its own, so that few bytes take little memory.
struct PartBuffer {
    /// The size in bytes of a full block.
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
    /// - Parameter length: In bytes; no more than the chunk has.
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

    /// How many more bytes fit in the last block; adds a block if it is full.
    private var room: Int {
        mutating get {
            if blocks.isEmpty {
                blocks.append(ByteBuffer())
            } else if blocks[blocks.count - 1].readableBytes == Self.blockSize {
                blocks.append(memory.block())
            }
            if blocks.count == 1, blocks[0].storageCapacity < Self.blockSize { growFirst() }
            return Self.blockSize - blocks[blocks.count - 1].readableBytes
        }
    }

    private mutating func growFirst() {
        // Buffers grow to powers of two: beyond half a block, this one would become a new block.
        guard granted > Int64(Self.blockSize / 2) else { return blocks[0].reserveCapacity(Int(granted)) }
        var block = memory.block()
        block.writeImmutableBuffer(blocks[0])
        blocks[0] = block
    }

    /// All bytes, in blocks that are reused once the part's memory is given back.
    func finish() -> [ByteBuffer] {
        memory.keep(blocks)
        return blocks
    }
}
