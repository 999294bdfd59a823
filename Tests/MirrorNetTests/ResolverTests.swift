import MirrorCore
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MirrorNet

@Suite(.timeLimit(.minutes(1))) struct ResolverTests {
    private static let address = IPAddress(bytes: [192, 0, 2, 1])

    /// Look-ups of names that begin with `silent`, unless it is said of others, block until the gate opens; the others are answered at once.
    ///
    /// - Parameter addresses: How many each name has.
    private static func withResolver(
        timeout: Duration, threads: Int = 3, perDomain: Int = 2, maxUnknown: Int = 3, addresses: Int = 1,
        isSilent: @escaping @Sendable (String) -> Bool = { $0.hasPrefix("silent") },
        _ body: (SystemResolver, FakeThreadBlock) async throws -> Void
    ) async throws {
        let pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
        let gate = FakeThreadBlock()
        let resolver = SystemResolver(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, timeout: timeout, threads: pool, perDomain: perDomain,
            maxUnknown: maxUnknown
        ) { name, limit in
            if isSilent(name) { gate.wait() }
            return Array(repeating: Self.address, count: min(addresses, limit)).compactMap(\.self)
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

    @Test func ofThousandsOfAddressesSixteenAreTaken() async throws {
        try await Self.withResolver(timeout: .seconds(60), addresses: 5_000) { resolver, _ async throws in
            #expect(try await resolver.addresses(of: "many.example").count == 16)
        }
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
        try await Self.withResolver(timeout: .seconds(60)) { resolver, gate async throws in
            let held = (0..<2).map { number in Task { try await resolver.addresses(of: "silent\(number).attacker.example") } }
            for _ in held { await gate.isReached() }
            #expect(try await Self.isWaiting("a.attacker.example", resolver), "the same domain waits")
            #expect(try await resolver.addresses(of: "a.honest.test").count == 1)
            gate.open()
            for task in held { #expect(try await task.value.count == 1) }
        }
    }

    @Test func aDomainWhoseNameServersWereSilentOfLateHoldsOneThread() async throws {
        try await Self.withResolver(timeout: .seconds(60)) { resolver, gate async throws in
            #expect(try await resolver.addresses(of: "known.attacker.example").count == 1)
            await Self.hold("silent.attacker.example", resolver, gate)
            #expect(try await Self.isWaiting("a.attacker.example", resolver))
            // One for those that have answered.
            #expect(try await resolver.addresses(of: "known.attacker.example").count == 1)
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

    /// Asks for a name whose look-up hangs, until it does, and goes: the thread stays held.
    private static func hold(_ name: String, _ resolver: SystemResolver, _ gate: FakeThreadBlock) async {
        let asker = Task { try await resolver.addresses(of: name) }
        await gate.isReached()
        asker.cancel()
        _ = await asker.result
    }

    /// Whether a name finds no thread. One that finds one is answered at once; for its absence there is nothing to wait for.
    private static func isWaiting(_ name: String, _ resolver: SystemResolver) async throws -> Bool {
        let asker = Task { try await resolver.addresses(of: name) }
        try await Task.sleep(for: .milliseconds(200))
        asker.cancel()
        do {
            _ = try await asker.value
            return false
        } catch is CancellationError {
            return true
        }
    }

    @Test func namesThatAnsweredOfLateFindAThreadWhateverIsSilent() async throws {
        try await Self.withResolver(timeout: .seconds(60), maxUnknown: 2) { resolver, gate async throws in
            #expect(try await resolver.addresses(of: "a.honest.test").count == 1)
            for number in 0..<2 { await Self.hold("silent.attacker\(number).test", resolver, gate) }
            #expect(try await Self.isWaiting("silent.attacker2.test", resolver))
            #expect(try await resolver.addresses(of: "a.honest.test").count == 1)
            #expect(try await Self.isWaiting("b.honest.test", resolver), "it has never answered")
        }
    }

    @Test func namesThatAnsweredOfLateDoNotWaitForOthersOfTheirDomain() async throws {
        try await Self.withResolver(timeout: .seconds(60), perDomain: 1) { resolver, gate async throws in
            #expect(try await resolver.addresses(of: "a.shared.test").count == 1)
            await Self.hold("silent.shared.test", resolver, gate)
            #expect(try await resolver.addresses(of: "a.shared.test").count == 1)
            #expect(try await Self.isWaiting("b.shared.test", resolver))
        }
    }

    @Test func aNameThatDoesNotAnswerAnyMoreIsLikeOneThatNeverDid() async throws {
        let silent = Mutex<Set<String>>(["silent.other.test"])
        try await Self.withResolver(timeout: .seconds(60), maxUnknown: 1, isSilent: { name in silent.withLock { $0.contains(name) } }) {
            resolver, gate async throws in
            #expect(try await resolver.addresses(of: "a.later.test").count == 1)
            silent.withLock { _ = $0.insert("a.later.test") }
            await Self.hold("a.later.test", resolver, gate)
            await Self.hold("silent.other.test", resolver, gate)
            silent.withLock { _ = $0.remove("a.later.test") }
            #expect(try await Self.isWaiting("a.later.test", resolver), "the one thread for such names is held")
        }
    }

    @Test(arguments: [
        ("silent.a.co.uk", "a.b.co.uk", false), ("silent.a.com.au", "a.com.au", true), ("silent.a.co.uk", "b.a.co.uk", true),
        ("silent.a.co.test", "a.b.co.test", true), ("silent.co.uk", "a.b.co.uk", false), ("silent.ab.uk", "a.ab.uk", true),
    ])
    func underTheRegistriesOfCountriesADomainHasThreeLabels(silent: String, other: String, waits: Bool) async throws {
        try await Self.withResolver(timeout: .seconds(60), perDomain: 1) { resolver, gate async throws in
            await Self.hold(silent, resolver, gate)
            if waits {
                #expect(try await Self.isWaiting(other, resolver))
            } else {
                #expect(try await resolver.addresses(of: other).count == 1)
            }
        }
    }

    @Test func lookUpsThatWaitAreBoundedInAll() async throws {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let (gate, turns) = (FakeThreadBlock(), DomainTurns(threads: pool, perDomain: 1, maxUnknown: 1))
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        func run(_ number: Int, of domain: String) -> Bool {
            turns.run(for: "\(number).\(domain)") { _ in
                gate.wait()
                end.yield()
                return true
            }
        }
        // One runs.
        let one = (0..<300).filter { run($0, of: "a.test") }
        let others = (0..<2_000).filter { run($0, of: "d\($0).test") }
        gate.open()
        #expect(one.count == 1 + 256)
        #expect(others.count == 1_024 - 256)
        var left = one.count + others.count
        for await _ in ends.prefix(left) { left -= 1 }
        #expect(left == 0)
        try await pool.shutdownGracefully()
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
        CachingResolver(base, life: .seconds(30), failureLife: .seconds(5), lastLife: .seconds(3_600), capacity: capacity) {
            clock.now.withLock { $0 }
        }
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

    @Test func theLastAddressesStandInForAnAnswerThatDoesNotCome() async throws {
        let (base, clock) = (CountingResolver(), StepClock())
        let resolver = Self.caching(base, clock)
        let address = try #require(Self.address)
        base.answer.withLock { $0 = .success([address]) }
        _ = try await resolver.addresses(of: "a.example")
        base.answer.withLock { $0 = .failure(OutboundError(.timedOut, "silent")) }
        clock.advance(by: .minutes(30))
        for _ in 0..<3 { #expect(try await resolver.addresses(of: "a.example") == [address]) }
        #expect(base.asked.withLock { $0.count } == 2)
        clock.advance(by: .minutes(29))
        #expect(try await resolver.addresses(of: "a.example") == [address])
        // An hour after the answer they are too old, however often they stood in.
        clock.advance(by: .minutes(1))
        await #expect(throws: OutboundError.self) { try await resolver.addresses(of: "a.example") }
    }

    @Test func aNameThatHasNoAddressAnyMoreHasNone() async throws {
        let (base, clock) = (CountingResolver(), StepClock())
        let resolver = Self.caching(base, clock)
        base.answer.withLock { $0 = .success([Self.address].compactMap(\.self)) }
        _ = try await resolver.addresses(of: "a.example")
        for code in [OutboundError.Code.unresolvable, .timedOut] {
            clock.advance(by: .seconds(30))
            base.answer.withLock { $0 = .failure(OutboundError(code, "no address")) }
            await #expect(throws: OutboundError.self) { try await resolver.addresses(of: "a.example") }
        }
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
