package import MirrorCore
package import NIOCore
import Synchronization

/// Caches the answers of another resolver for a short time, and asks it once for all callers that need the same name.
///
/// The guard checks the addresses at each use, so caching them opens no hole. If no name server answers, the last known addresses of a name are used
/// for a while (RFC 8767). So copies from origins that were reachable a moment ago are not stopped by silent servers, or by threads that wait for the
/// silent servers of others.
package final class CachingResolver: HostResolver {
    private struct Entry {
        let answer: Result<[IPAddress], OutboundError>
        let until: NIODeadline
        /// The last answer of a name server.
        let last: LastAnswer?
    }

    private struct LastAnswer {
        let addresses: [IPAddress]
        /// Until when the addresses may be used if no name server answers.
        let until: NIODeadline
    }

    private let base: any HostResolver
    private let life: Duration
    private let failureLife: Duration
    private let lastLife: Duration
    private let now: @Sendable () -> NIODeadline
    private let entries: Mutex<RecentEntries<String, Entry>>
    private let flights = SingleFlight<String, [IPAddress]>()

    /// - Parameters:
    ///   - life: How long addresses are remembered. The system does not say how long its name servers would remember them.
    ///   - failureLife: How long it is remembered that a name has no address, or that no name server answered.
    ///   - lastLife: How long after a name server's answer its addresses may be used if no new answer comes.
    ///   - capacity: The maximum number of names; 2 or more.
    package init(
        _ base: any HostResolver, life: Duration = .seconds(30), failureLife: Duration = .seconds(5), lastLife: Duration = .seconds(3_600),
        capacity: Int = 4_096, now: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.base = base
        self.life = life
        self.failureLife = failureLife
        self.lastLife = lastLife
        entries = Mutex(RecentEntries(capacity: capacity))
        self.now = now
    }

    package func addresses(of name: String) async throws -> [IPAddress] {
        if let known = known(name) { return try known.get() }
        return try await flights.run(name) { [self] in
            do {
                let addresses = try await base.addresses(of: name)
                remember(
                    .success(addresses), of: name, for: life, last: LastAnswer(addresses: addresses, until: now() + TimeAmount(lastLife)))
                return addresses
            } catch let error as OutboundError {
                if error.code == .timedOut, let last = last(name) {
                    remember(.success(last.addresses), of: name, for: life, last: last)
                    return last.addresses
                }
                remember(.failure(error), of: name, for: failureLife, last: nil)
                throw error
            }
        }
    }

    private func known(_ name: String) -> Result<[IPAddress], OutboundError>? {
        entries.withLock { entries in
            guard let entry = entries[name], now() < entry.until else { return nil }
            return entry.answer
        }
    }

    private func last(_ name: String) -> LastAnswer? {
        entries.withLock { entries in
            guard let last = entries[name]?.last, now() < last.until else { return nil }
            return last
        }
    }

    private func remember(_ answer: Result<[IPAddress], OutboundError>, of name: String, for life: Duration, last: LastAnswer?) {
        let entry = Entry(answer: answer, until: now() + TimeAmount(life), last: last)
        entries.withLock { $0.insert(entry, for: name) }
    }
}
