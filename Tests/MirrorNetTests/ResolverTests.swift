import MirrorCore
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MirrorNet

@Suite struct ResolverTests {
    private static let address = IPAddress(bytes: [192, 0, 2, 1])

    /// Look-ups of names that begin with `silent` block until the gate opens; the others are answered at once.
    private static func withResolver(
        timeout: Duration, threads: Int = 3, perDomain: Int = 2, _ body: (SystemResolver, FakeThreadBlock) async throws -> Void
    ) async throws {
        let pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
        let gate = FakeThreadBlock()
        let resolver = SystemResolver(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, timeout: timeout, threads: pool, perDomain: perDomain
        ) { name in
            if name.hasPrefix("silent") { gate.wait() }
            return [Self.address].compactMap(\.self)
        }
        do {
            try await body(resolver, gate)
        } catch {
            gate.open()
            throw error
        }
        gate.open()
        try await pool.shutdownGracefully()
    }

    @Test func aLookUpThatHangsTimesOut() async throws {
        try await Self.withResolver(timeout: .milliseconds(20)) { resolver, _ async throws in
            let error = await #expect(throws: OutboundError.self) { try await resolver.addresses(of: "silent.example") }
            #expect(error?.code == .timedOut)
        }
    }

    @Test func aLookUpThatHangsCanBeCancelled() async throws {
        try await Self.withResolver(timeout: .seconds(60)) { resolver, _ async throws in
            let task = Task { try await resolver.addresses(of: "silent.example") }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func aDomainWhoseNameServersAreSilentHoldsOnlyItsShareOfTheThreads() async throws {
        try await Self.withResolver(timeout: .milliseconds(20)) { resolver, _ async throws in
            // More than there are threads, and all of them are stuck when their callers have gone.
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask { _ = try? await resolver.addresses(of: "silent\(number).attacker.example") }
                }
            }
            let patient = await #expect(throws: OutboundError.self) {
                try await resolver.addresses(of: "a.attacker.example")
            }
            #expect(patient?.code == .timedOut, "the same domain waits")
            #expect(try await resolver.addresses(of: "a.honest.test").count == 1)
        }
    }

    @Test func lookUpsOfOneDomainTakeTurns() async throws {
        try await Self.withResolver(timeout: .seconds(60)) { resolver, gate async throws in
            let held = (0..<3).map { number in Task { try await resolver.addresses(of: "silent\(number).a.example") } }
            let behind = Task { try await resolver.addresses(of: "b.a.example") }
            gate.open()
            for task in held + [behind] { #expect(try await task.value.count == 1) }
        }
    }

    // MARK: Remembering

    private final class CountingResolver: HostResolver {
        let asked = Mutex<[String]>([])
        let answer = Mutex<Result<[IPAddress], OutboundError>>(.success([]))

        func addresses(of name: String) async throws -> [IPAddress] {
            asked.withLock { $0.append(name) }
            return try answer.withLock { $0 }.get()
        }
    }

    private final class StepClock: Sendable {
        let now = Mutex(NIODeadline.now())

        func advance(by amount: TimeAmount) { now.withLock { $0 = $0 + amount } }
    }

    private static func caching(_ base: CountingResolver, _ clock: StepClock, capacity: Int = 100) -> CachingResolver {
        CachingResolver(base, life: .seconds(30), failureLife: .seconds(5), capacity: capacity) { clock.now.withLock { $0 } }
    }

    @Test func anAnswerIsRememberedForItsLife() async throws {
        let (base, clock) = (CountingResolver(), StepClock())
        let resolver = Self.caching(base, clock)
        let address = try #require(Self.address)
        base.answer.withLock { $0 = .success([address]) }
        #expect(try await resolver.addresses(of: "a.example") == [address])
        clock.advance(by: .seconds(29))
        #expect(try await resolver.addresses(of: "a.example") == [address])
        #expect(base.asked.withLock { $0 } == ["a.example"])
        clock.advance(by: .seconds(1))
        _ = try await resolver.addresses(of: "a.example")
        #expect(base.asked.withLock { $0.count } == 2)
    }

    @Test func aFailureIsRememberedForAShorterTime() async throws {
        let (base, clock) = (CountingResolver(), StepClock())
        let resolver = Self.caching(base, clock)
        base.answer.withLock { $0 = .failure(OutboundError(.unresolvable, "no address")) }
        for _ in 0..<3 { await #expect(throws: OutboundError.self) { try await resolver.addresses(of: "a.example") } }
        #expect(base.asked.withLock { $0.count } == 1)
        clock.advance(by: .seconds(5))
        base.answer.withLock { $0 = .success([]) }
        #expect(try await resolver.addresses(of: "a.example") == [])
    }

    @Test func whatIsRememberedIsBounded() async throws {
        let (base, clock) = (CountingResolver(), StepClock())
        let resolver = Self.caching(base, clock, capacity: 10)
        for number in 0..<25 { _ = try await resolver.addresses(of: "\(number).example") }
        #expect(base.asked.withLock { $0.count } == 25)
        // What came last is still there; the rest went when there was no more room.
        _ = try await resolver.addresses(of: "24.example")
        #expect(base.asked.withLock { $0.count } == 25)
        _ = try await resolver.addresses(of: "0.example")
        #expect(base.asked.withLock { $0.count } == 26)
    }
}
