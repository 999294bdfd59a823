import MirrorCore
import MirrorState
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Memory of parts: who has how much, and who is next")
struct MemoryLedgerTests {
    private static let step = MemoryLedger.leastStep

    private func origin(_ number: Int) throws -> CopyLane { CopyLane(of: try ArtifactURL("https://origin-\(number).example.org/a")) }

    /// - Parameter steps: Of the capacity; the share is half of it.
    private func ledger(steps: Int64) -> MemoryLedger { MemoryLedger(capacity: steps * Self.step, share: steps * Self.step / 2) }

    @Test("A part takes as much again as it has, up to its size, and no more than a little at first")
    func grows() throws {
        var ledger = ledger(steps: 100)
        let part = ledger.add(try origin(1), size: 20 * Self.step, isFront: { true })
        #expect(ledger.held(by: part) == 0)
        var held: [Int64] = []
        for bytes in [1, Self.step, Self.step + 1, 2 * Self.step + 1, 4 * Self.step + 1, 8 * Self.step + 1, 16 * Self.step + 1] {
            ledger.ask(part, for: bytes)
            _ = ledger.serve()
            held.append(ledger.held(by: part) / Self.step)
        }
        #expect(held == [1, 1, 2, 4, 8, 16, 20])
        ledger.remove(part)
        let all = ledger.add(try origin(1), size: 50 * Self.step, isFront: { true })
        ledger.ask(all, for: 50 * Self.step)
        #expect(ledger.serve() == [all])
    }

    @Test("The parts of one origin have no more than its share, and another origin's need not wait for them")
    func shares() throws {
        var ledger = ledger(steps: 8)
        let parts = try (0..<5).map { _ in ledger.add(try origin(1), size: Self.step, isFront: { false }) }
        for part in parts { ledger.ask(part, for: 1) }
        #expect(ledger.serve() == Array(parts[..<4]))
        #expect(ledger.waitingOrigins.isEmpty)
        let other = ledger.add(try origin(2), size: Self.step, isFront: { false })
        ledger.ask(other, for: 1)
        #expect(ledger.serve() == [other])
        ledger.remove(parts[0])
        #expect(ledger.serve() == [parts[4]])
    }

    @Test("The part that others of its copy wait for goes first, then who has most, then who asked first; nobody with less overtakes")
    func order() throws {
        var ledger = ledger(steps: 16)
        // As much as the largest part is kept, which is one that does not ask.
        _ = ledger.add(try origin(6), size: 8 * Self.step, isFront: { false })
        let held = ledger.add(try origin(1), size: 4 * Self.step, isFront: { false })
        ledger.ask(held, for: 4 * Self.step)
        #expect(ledger.serve() == [held])
        func waiting(_ number: Int, holding: Int64, isFront: Bool = false) throws -> MemoryLedger.PartID {
            let part = ledger.add(try origin(number), size: 4 * Self.step, isFront: { isFront })
            if holding > 0 {
                ledger.ask(part, for: holding * Self.step)
                _ = ledger.serve()
            }
            return part
        }
        let (first, most) = (try waiting(2, holding: 1), try waiting(3, holding: 2))
        let (second, front) = (try waiting(4, holding: 1), try waiting(5, holding: 0, isFront: true))
        for part in [second, first] { ledger.ask(part, for: 4 * Self.step) }
        ledger.ask(most, for: 3 * Self.step)
        ledger.ask(front, for: 1)
        #expect(ledger.serve() == [front])
        #expect(try ledger.waitingOrigins == [origin(2), origin(3), origin(4)])
        ledger.remove(front)
        #expect(ledger.serve() == [])
        ledger.remove(held)
        #expect(ledger.serve() == [most])
        ledger.remove(most)
        #expect(ledger.serve() == [second, first])
    }

    @Test("A part behind its copy's first one begins once the whole of it fits beside the whole of those that have begun")
    func begins() throws {
        var ledger = ledger(steps: 16)
        let isFront = Watched(false)
        func waiting(_ number: Int, isFront: @escaping @Sendable () -> Bool) throws -> MemoryLedger.PartID {
            let part = ledger.add(try origin(number), size: 4 * Self.step, isFront: isFront)
            ledger.ask(part, for: 1)
            return part
        }
        let front = try waiting(1, isFront: { true })
        let behind = [try waiting(1, isFront: { false }), try waiting(1, isFront: { false }), try waiting(1, isFront: { isFront.current })]
        // Its origin's share is 8.
        #expect(ledger.serve() == [front, behind[0]])
        #expect(ledger.waitingOrigins.isEmpty)
        // First ones begin whatever has begun.
        let others = try (2...4).map { try waiting($0, isFront: { true }) }
        #expect(ledger.serve() == others)
        // Half of the share is free again, but 16 of 16 have begun.
        ledger.remove(front)
        #expect(ledger.serve() == [])
        ledger.remove(others[0])
        #expect(ledger.serve() == [behind[1]])
        isFront.change { $0 = true }
        #expect(ledger.serve() == [behind[2]])
    }

    @Test("When everybody has some and waits for more, one at a time that its copy waits for gets all that it needs")
    func lends() throws {
        var ledger = ledger(steps: 16)
        // 8 are kept for the largest, which does not ask. 4 for each, 8 that are open: all of them after two steps each.
        _ = ledger.add(try origin(4), size: 8 * Self.step, isFront: { false })
        let parts = try (0..<4).map { number in ledger.add(try origin(number), size: 4 * Self.step, isFront: { number > 1 }) }
        for part in parts { ledger.ask(part, for: 2 * Self.step) }
        #expect(Set(ledger.serve()) == Set(parts))
        for part in parts { ledger.ask(part, for: 2 * Self.step + 1) }
        #expect(ledger.serve() == [parts[2]])
        #expect(ledger.held(by: parts[2]) == 4 * Self.step)
        #expect(ledger.serve() == [])
        ledger.remove(parts[2])
        // What it gave back is for the next one, and the loan is free again.
        #expect(ledger.serve() == [parts[3]])
    }

    @Test("A part that is larger than all memory is alone")
    func tooLarge() throws {
        var ledger = ledger(steps: 2)
        let parts = try (0..<2).map { ledger.add(try origin($0), size: 10 * Self.step, isFront: { true }) }
        for part in parts { ledger.ask(part, for: 1) }
        #expect(ledger.serve() == [parts[0]])
        ledger.ask(parts[0], for: 10 * Self.step)
        #expect(ledger.serve() == [])
        #expect(ledger.held(by: parts[0]) == 10 * Self.step)
        ledger.remove(parts[0])
        #expect(ledger.serve() == [parts[1]])
    }

    /// A copy of several parts, four at a time, whose bytes come in any order; what is whole is held until all before it is.
    private struct SimulatedCopy {
        struct Part {
            let id: MemoryLedger.PartID
            let size: Int64
            var arrived: Int64 = 0
            var isWaiting = false
        }

        let count: Int
        let front = Watched(0)
        var next = 0
        var open: [Int: Part] = [:]
        var whole: [Int: MemoryLedger.PartID] = [:]
    }

    @Test("However bytes come, some part can always go on, and every copy ends", arguments: 0..<100 as Range<UInt64>)
    func ends(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var ledger = ledger(steps: .random(in: 1...40, using: &random))
        let largest = Int64.random(in: 1...8, using: &random) * Self.step
        var copies = (0..<6).map { _ in SimulatedCopy(count: .random(in: 1...12, using: &random)) }
        while copies.contains(where: { $0.front.current < $0.count }) {
            for index in copies.indices {
                while copies[index].open.count < 4, copies[index].next < copies[index].count {
                    let (number, front) = (copies[index].next, copies[index].front)
                    let size = Int64.random(in: 1...largest, using: &random)
                    let id = ledger.add(try origin(index % 3), size: size, isFront: { front.current == number })
                    // Parts behind the first one are not requested before there is memory for them.
                    if number > 0 { ledger.ask(id, for: 1) }
                    copies[index].open[number] = SimulatedCopy.Part(id: id, size: size, isWaiting: number > 0)
                    copies[index].next += 1
                }
            }
            let granted = Set(ledger.serve())
            var ready: [(copy: Int, part: Int)] = []
            for index in copies.indices {
                for (number, part) in copies[index].open {
                    if granted.contains(part.id) { copies[index].open[number]?.isWaiting = false }
                    if copies[index].open[number]?.isWaiting == false { ready.append((index, number)) }
                }
            }
            ready.sort { $0 < $1 }
            let (index, number) = try #require(ready.randomElement(using: &random), "all parts wait")
            guard var part = copies[index].open[number] else { continue }
            part.arrived = min(part.arrived + .random(in: 1...(2 * Self.step), using: &random), part.size)
            part.isWaiting = part.arrived > ledger.held(by: part.id)
            copies[index].open[number] = part
            if part.isWaiting { ledger.ask(part.id, for: part.arrived) }
            guard !part.isWaiting, part.arrived == part.size else { continue }
            copies[index].open[number] = nil
            copies[index].whole[number] = part.id
            while let id = copies[index].whole.removeValue(forKey: copies[index].front.current) {
                copies[index].front.change { $0 += 1 }
                ledger.remove(id)
            }
        }
        #expect(ledger.waitingCount == 0)
    }
}

@Suite("Memory of copies: waiting for it", .timeLimit(.minutes(1)))
struct CopyMemoryTests {
    private let memory = CopyMemory(CopyConfiguration(concurrency: 1, memory: 4 * MemoryLedger.leastStep))

    private func part(size steps: Int64) throws -> PartMemory {
        memory.part(
            of: CopyLane(of: try ArtifactURL("https://artifacts.example.org/a")), size: steps * MemoryLedger.leastStep, isFront: { false })
    }

    @Test("What is taken is free again once the last reference goes")
    func givesBack() async throws {
        var first: PartMemory? = try part(size: 2)
        #expect(try await first?.take(2 * MemoryLedger.leastStep) == 2 * MemoryLedger.leastStep)
        var copy = first
        first = nil
        let second = try part(size: 1)
        let waiting = Task { try await second.take(1) }
        try await eventually("one waits") { memory.waitingCount >= 1 }
        withExtendedLifetime(copy) {}
        copy = nil
        #expect(try await waiting.value == MemoryLedger.leastStep)
    }

    @Test("Who is cancelled waits no more and lets the others through; who was cancelled before takes nothing")
    func cancellation() async throws {
        let held = try part(size: 2)
        _ = try await held.take(MemoryLedger.leastStep)
        let (large, small) = (try part(size: 2), try part(size: 1))
        let first = Task { try await large.take(2 * MemoryLedger.leastStep) }
        try await eventually("one waits") { memory.waitingCount >= 1 }
        let second = Task { try await small.take(1) }
        try await eventually("both wait") { memory.waitingCount >= 2 }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(try await second.value == MemoryLedger.leastStep)
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await large.take(1)
        }
        await #expect(throws: CancellationError.self) { try await late.value }
        #expect(memory.waitingCount == 0)
        withExtendedLifetime(held) {}
    }
}
