import Crypto
import MirrorCore
import MirrorState
import NIOCore
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Hashing parts in their order", .timeLimit(.minutes(1)))
struct OrderedHashTests {
    private let memory = CopyMemory(CopyConfiguration(concurrency: 1, memory: 1 << 20))

    private func part() throws -> PartMemory {
        memory.part(of: CopyLane(of: try ArtifactURL("https://artifacts.example.org/a")), size: 1, isFront: { false })
    }

    private func bytes(_ number: Int) -> [ByteBuffer] { [ByteBuffer(string: "part \(number), "), ByteBuffer(string: "and more of it")] }

    private func expected(_ count: Int) -> [UInt8] {
        var hash = SHA256()
        for number in 0..<count { for chunk in bytes(number) { hash.update(data: Array(buffer: chunk)) } }
        return Array(hash.finalize())
    }

    @Test(
        "gives the digest of the whole in whatever order they come",
        arguments: [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]])
    func orders(numbers: [Int]) throws {
        let ordered = OrderedHash(ArtifactHash(stated: []))
        var fronts: [Bool] = []
        for number in numbers {
            fronts.append(ordered.isFront(number))
            ordered.add(number, bytes(number), try part())
        }
        #expect(fronts == numbers.indices.map { index in Set(numbers[..<index]).isSuperset(of: 0..<numbers[index]) })
        #expect(try ordered.hash.finish().bytes == expected(4))
    }

    @Test("gives it too where many come at once, and keeps the memory of none")
    func crowd() async throws {
        let ordered = OrderedHash(ArtifactHash(stated: []))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in (0..<200).shuffled() {
                let part = try part()
                _ = try await part.take(1)
                group.addTask { ordered.add(number, bytes(number), part) }
            }
            for try await _ in group {}
        }
        #expect(try ordered.hash.finish().bytes == expected(200))
        #expect(ordered.isFront(200))
        try await eventually("no memory is held") { memory.held <= 0 }
    }
}
