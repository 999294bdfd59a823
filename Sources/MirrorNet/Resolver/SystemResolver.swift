package import MirrorCore
import MirrorSystem
package import NIOCore
import NIOPosix
import Synchronization

/// Asks the operating system (`getaddrinfo`), which uses `/etc/hosts`, search domains and name servers.
///
/// A call cannot be cancelled: if name servers are silent, it occupies its thread until the system's own timeout. So the resolver has its own
/// threads, and the names of one domain, and those that have not answered recently, get only some of them, so that the others are not blocked
/// (``DomainTurns``).
package struct SystemResolver: HostResolver {
    /// Never shut down: it lives as long as the process.
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 32)
        pool.start()
        return pool
    }()

    private let eventLoopGroup: any EventLoopGroup
    private let timeout: Duration
    private let lookUp: @Sendable (_ name: String, _ limit: Int) throws -> [IPAddress]
    private let turns: DomainTurns

    /// - Parameters:
    ///   - timeout: The time limit for one name.
    package init(eventLoopGroup: any EventLoopGroup, timeout: Duration = .seconds(5)) {
        self.init(
            eventLoopGroup: eventLoopGroup, timeout: timeout, threads: Self.threads, perDomain: 4, maxUnknown: 24, lookUp: Self.lookUp)
    }

    /// - Parameters:
    ///   - perDomain, maxUnknown: See ``DomainTurns``.
    ///   - lookUp: Returns at most so many addresses; may block.
    init(
        eventLoopGroup: any EventLoopGroup, timeout: Duration, threads: NIOThreadPool, perDomain: Int, maxUnknown: Int,
        lookUp: @escaping @Sendable (_ name: String, _ limit: Int) throws -> [IPAddress]
    ) {
        self.eventLoopGroup = eventLoopGroup
        self.timeout = timeout
        self.lookUp = lookUp
        turns = DomainTurns(threads: threads, perDomain: perDomain, maxUnknown: maxUnknown)
    }

    package func addresses(of name: String) async throws -> [IPAddress] {
        let eventLoop = eventLoopGroup.any()
        let answer = Answer(promise: eventLoop.makePromise())
        let timer = eventLoop.scheduleTask(in: TimeAmount(timeout)) { [turns] in
            if answer.hasBegun { turns.forget(name) }
            answer.give(.failure(OutboundError(.timedOut, "no name server answered for \(name) in time")))
        }
        defer { timer.cancel() }
        let isQueued = turns.run(for: name) { isActive in
            // The caller may have gone while this waited for its turn.
            guard answer.begin() else { return nil }
            let result = Result {
                guard isActive else { throw OutboundError(.unresolvable, "the resolver is shut down") }
                return try lookUp(name, Self.maxAddresses)
            }
            answer.give(result)
            return (try? result.get()) != nil
        }
        if !isQueued { answer.give(.failure(OutboundError(.timedOut, "too many names like \(name) are being looked up"))) }
        return try await withTaskCancellationHandler {
            try await answer.promise.futureResult.get()
        } onCancel: { [turns] in
            // A caller that gives up before the timeout has not got an answer, either.
            if answer.hasBegun { turns.forget(name) }
            answer.give(.failure(CancellationError()))
        }
    }

    /// The first result counts.
    private final class Answer: Sendable {
        let promise: EventLoopPromise<[IPAddress]>
        private let given = Atomic(false)
        private let begun = Atomic(false)

        /// Whether the lookup has begun.
        var hasBegun: Bool { begun.load(ordering: .relaxed) }

        init(promise: EventLoopPromise<[IPAddress]>) {
            self.promise = promise
        }

        /// - Returns: `false` if the result has already been given, so that the lookup is no longer needed.
        func begin() -> Bool {
            begun.store(true, ordering: .relaxed)
            return !given.load(ordering: .relaxed)
        }

        func give(_ result: Result<[IPAddress], any Error>) {
            guard !given.exchange(true, ordering: .relaxed) else { return }
            promise.completeWith(result)
        }
    }

    /// The maximum number of addresses of a name; more than are ever tried. An answer may have thousands, each of which would be compared, checked
    /// and cached.
    private static let maxAddresses = 16

    /// Blocks.
    @Sendable private static func lookUp(_ name: String, limit: Int) throws -> [IPAddress] {
        do throws(HostAddresses.Failure) {
            return try HostAddresses.lookUp(name, limit: limit)
        } catch {
            switch error {
            case .unanswered: throw OutboundError(.timedOut, "the name servers could not be queried for \(name)")
            case .unknown: throw OutboundError(.unresolvable, "\(name) has no address")
            }
        }
    }
}
