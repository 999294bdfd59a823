import MirrorCore
import Testing

@testable import MirrorEngine

@Suite("Byte budget: memory for all copies together", .timeLimit(.minutes(1)))
struct ByteBudgetTests {
    @Test("What is taken is free again once the last reference goes")
    func givesBack() async throws {
        let budget = ByteBudget(10)
        var first: ByteBudget.Grant? = try await budget.take(10)
        var copy = first
        first = nil
        let second = Task { _ = try await budget.take(1) }
        while budget.waitingCount < 1 { await Task.yield() }
        withExtendedLifetime(copy) {}
        copy = nil
        try await second.value
    }

    @Test("Who asks first is served first, also when a smaller request would fit")
    func isFair() async throws {
        let budget = ByteBudget(10)
        var held: ByteBudget.Grant? = try await budget.take(6)
        let (order, served) = AsyncStream.makeStream(of: Int.self)
        let large = Task {
            let grant = try await budget.take(8)
            served.yield(8)
            withExtendedLifetime(grant) {}
        }
        while budget.waitingCount < 1 { await Task.yield() }
        let small = Task {
            let grant = try await budget.take(4)
            served.yield(4)
            withExtendedLifetime(grant) {}
        }
        while budget.waitingCount < 2 { await Task.yield() }
        withExtendedLifetime(held) {}
        held = nil
        try await large.value
        try await small.value
        served.finish()
        #expect(await order.reduce(into: []) { $0.append($1) } == [8, 4])
    }

    @Test("More than there is waits for all of it")
    func tooMuch() async throws {
        let budget = ByteBudget(10)
        let grant = try await budget.take(1_000)
        let next = Task { _ = try await budget.take(1) }
        while budget.waitingCount < 1 { await Task.yield() }
        next.cancel()
        await #expect(throws: CancellationError.self) { try await next.value }
        withExtendedLifetime(grant) {}
    }

    @Test("Who is cancelled at the front of the queue lets the others through")
    func cancellation() async throws {
        let budget = ByteBudget(10)
        let held = try await budget.take(6)
        let large = Task { _ = try await budget.take(8) }
        while budget.waitingCount < 1 { await Task.yield() }
        let small = Task { _ = try await budget.take(4) }
        while budget.waitingCount < 2 { await Task.yield() }
        large.cancel()
        await #expect(throws: CancellationError.self) { try await large.value }
        try await small.value
        withExtendedLifetime(held) {}
        // A task that is cancelled before it asks takes nothing.
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await budget.take(10)
        }
        await #expect(throws: CancellationError.self) { try await late.value }
        #expect(budget.waitingCount == 0)
    }
}

@Suite("Memory of copies: a share for each origin", .timeLimit(.minutes(1)))
struct CopyMemoryTests {
    @Test("An origin's copies take no more than their share, and another origin's need not wait for them")
    func sharesMemory() async throws {
        let memory = CopyMemory(CopyConfiguration(concurrency: 4, maxPerOrigin: 2, memory: 100))
        let (one, other) = (try ArtifactURL("https://one.example.org/a"), try ArtifactURL("https://other.example.org/a"))
        try await memory.withShare(of: one) { budget in
            var first: ByteBudget.Grant? = try await budget.take(50)
            let more = Task { _ = try await memory.withShare(of: one) { try await $0.take(10) } }
            while budget.waitingCount < 1 { await Task.yield() }
            // Its own copies wait for it, but nobody else does.
            #expect(!memory.isShort)
            try await memory.withShare(of: other) { withExtendedLifetime(try await $0.take(50)) {} }
            withExtendedLifetime(first) {}
            first = nil
            try await more.value
        }
    }

    @Test("Memory that several origins hold is waited for by the others, and that is known")
    func runsShort() async throws {
        let memory = CopyMemory(CopyConfiguration(concurrency: 4, maxPerOrigin: 2, memory: 100))
        let origins = try (1...3).map { try ArtifactURL("https://origin-\($0).example.org/a") }
        try await memory.withShare(of: origins[0]) { first in
            try await memory.withShare(of: origins[1]) { second in
                var held: [ByteBudget.Grant]? = [try await first.take(50), try await second.take(50)]
                let third = Task { _ = try await memory.withShare(of: origins[2]) { try await $0.take(1) } }
                while !memory.isShort { await Task.yield() }
                withExtendedLifetime(held) {}
                held = nil
                try await third.value
                #expect(!memory.isShort)
            }
        }
    }
}
