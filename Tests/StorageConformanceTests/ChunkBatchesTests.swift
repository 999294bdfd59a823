import MirrorStorage
import NIOCore
import Testing

@testable import StorageLocal

@Suite("The batches in which a part is written")
struct ChunkBatchesTests {
    @Test("hold every byte in its order, however long the chunks are", arguments: [1, 1_000, 4_095, 4_096, 100_000, 262_144, 300_000])
    func batches(_ size: Int) async throws {
        let chunks = (0..<600).prefix(size < 4_096 ? 600 : 9).map { ByteBuffer(repeating: UInt8(truncatingIfNeeded: $0), count: size) }
        var batches = ChunkBatches(ByteStream(chunks: [ByteBuffer()] + chunks))
        var all = ByteBuffer()
        while let batch = try await batches.next() {
            #expect((1...max(size, ChunkBatches.size)).contains(batch.byteCount))
            #expect(batch.chunks.reduce(0) { $0 + $1.readableBytes } == batch.byteCount)
            for chunk in batch.chunks { all.writeImmutableBuffer(chunk) }
        }
        var expected = ByteBuffer()
        for chunk in chunks { expected.writeImmutableBuffer(chunk) }
        #expect(all == expected)
    }

    @Test("copy small chunks together, and leave large ones as they are")
    func copies() async throws {
        var small = ChunkBatches(ByteStream(chunks: (0..<100).map { ByteBuffer(repeating: UInt8($0), count: 500) }))
        #expect(try await small.next()?.chunks.count == 1)
        var large = ChunkBatches(ByteStream(chunks: (0..<4).map { ByteBuffer(repeating: UInt8($0), count: 65_536) }))
        #expect(try await large.next()?.chunks.count == 4)
    }
}
