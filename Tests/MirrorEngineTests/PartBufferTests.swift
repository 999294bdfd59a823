import MirrorCore
import MirrorState
import NIOCore
import Testing

@testable import MirrorEngine

@Suite("The bytes of a part in memory")
struct PartBufferTests {
    private static let block = PartBuffer.blockSize
    private let memory = CopyMemory(CopyConfiguration(concurrency: 1, memory: Int64(8 * PartBuffer.blockSize)))

    private func part(size: Int) throws -> PartMemory {
        memory.part(of: CopyLane(of: try ArtifactURL("https://artifacts.example.org/a")), size: Int64(size), isFront: { true })
    }

    private func fill(_ part: PartMemory, with bytes: [UInt8], inChunksOf size: Int) async throws -> [ByteBuffer] {
        var buffer = PartBuffer(part)
        for start in stride(from: 0, to: bytes.count, by: size) {
            var chunk = ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)])
            // As a part ends within a chunk.
            try await buffer.take(chunk.readableBytes / 2, from: &chunk)
            try await buffer.take(chunk.readableBytes, from: &chunk)
        }
        #expect(buffer.count == bytes.count)
        return buffer.finish()
    }

    private func bytes(_ count: Int, seed: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9 &+ seed) } }

    @Test(
        "They are all there, in their order, however they came", arguments: [1, 100, block - 1, block, block + 1, 2 * block, 3 * block + 7])
    func gathers(count: Int) async throws {
        let bytes = bytes(count, seed: 1)
        for size in [count, 300_000, 70_001] {
            let part = try part(size: count)
            let blocks = try await fill(part, with: bytes, inChunksOf: size)
            #expect(blocks.flatMap { Array(buffer: $0) } == bytes)
            #expect(blocks.count == (count + Self.block - 1) / Self.block)
        }
    }

    @Test("Little memory is taken for few")
    func few() async throws {
        let part = try part(size: 2 * Self.block)
        let blocks = try await fill(part, with: bytes(1_000, seed: 1), inChunksOf: 1_000)
        #expect(blocks.map(\.storageCapacity) == [Int(MemoryLedger.leastStep)])
        #expect(memory.held == MemoryLedger.leastStep)
    }

    @Test("The first block is one that is used again once there is memory for more than half of it", arguments: [1, 2])
    func first(halves: Int) async throws {
        let other = try part(size: 1)
        var only: PartMemory? = try part(size: Self.block)
        let half = Self.block / 2
        if let part = only { _ = try await fill(part, with: bytes(halves * half, seed: 1), inChunksOf: half) }
        only = nil
        #expect(memory.spare == (halves - 1) * Self.block)
        withExtendedLifetime(other) {}
    }

    @Test("Their memory is used again by the next part, and goes back to the system after the last one")
    func reuse() async throws {
        let other = try part(size: 1)
        var first: PartMemory? = try part(size: 3 * Self.block)
        if let part = first { _ = try await fill(part, with: bytes(3 * Self.block, seed: 1), inChunksOf: Self.block) }
        #expect(memory.spare == 0)
        first = nil
        #expect(memory.spare == 3 * Self.block)
        var second: PartMemory? = try part(size: 3 * Self.block)
        if let part = second {
            let blocks = try await fill(part, with: bytes(3 * Self.block, seed: 2), inChunksOf: Self.block)
            #expect(blocks.flatMap { Array(buffer: $0) } == bytes(3 * Self.block, seed: 2))
        }
        #expect(memory.spare == 0)
        second = nil
        #expect(memory.spare == 3 * Self.block)
        withExtendedLifetime(other) {}
    }

    @Test("Nothing is kept when there are no parts, nor more than the memory that there is")
    func bounds() async throws {
        var first: PartMemory? = try part(size: 4 * Self.block)
        if let part = first { _ = try await fill(part, with: bytes(4 * Self.block, seed: 1), inChunksOf: Self.block) }
        first = nil
        #expect(memory.spare == 0)
        let other = try part(size: 6 * Self.block)
        first = try part(size: 3 * Self.block)
        if let part = first { _ = try await fill(part, with: bytes(3 * Self.block, seed: 2), inChunksOf: Self.block) }
        first = nil
        #expect(memory.spare == 3 * Self.block)
        first = try part(size: Self.block)
        if let part = first { _ = try await fill(part, with: bytes(Self.block, seed: 3), inChunksOf: Self.block) }
        #expect(memory.spare == 2 * Self.block)
        // What the other one holds is taken off.
        _ = try await other.take(Int64(6 * Self.block))
        first = nil
        #expect(memory.spare == 2 * Self.block)
        withExtendedLifetime(other) {}
    }

    @Test("Whoever still has the bytes of a part that is over keeps them")
    func late() async throws {
        let other = try part(size: 1)
        var first: PartMemory? = try part(size: 2 * Self.block)
        var late: [ByteBuffer] = []
        if let part = first { late = try await fill(part, with: bytes(2 * Self.block, seed: 1), inChunksOf: Self.block) }
        first = nil
        let second = try part(size: 2 * Self.block)
        _ = try await fill(second, with: bytes(2 * Self.block, seed: 2), inChunksOf: Self.block)
        #expect(late.flatMap { Array(buffer: $0) } == bytes(2 * Self.block, seed: 1))
        withExtendedLifetime((other, second)) {}
    }
}
