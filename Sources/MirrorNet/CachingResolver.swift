package import MirrorCore
import NIOCore
import Synchronization

/// Remembers for a short time what another resolver said, and asks it once for all who want the same name.
///
/// The guard checks the addresses at each use, so remembering them opens nothing.
package final class CachingResolver: HostResolver {
    private struct Entry {
        let answer: Result<[IPAddress], OutboundError>
        let until: NIODeadline
    }

    private let base: any HostResolver
    private let life: Duration
    private let failureLife: Duration
    private let capacity: Int
    private let now: @Sendable () -> NIODeadline
    private let entries = Mutex<[String: Entry]>([:])
    private let flights = SingleFlight<String, [IPAddress]>()

    /// - Parameters:
    ///   - life: How long addresses are remembered. The system does not tell how long its name servers would.
    ///   - failureLife: How long it is remembered that a name has none, or that nobody answered.
    ///   - capacity: Names remembered, at most; 1 or more.
    package convenience init(
        _ base: any HostResolver, life: Duration = .seconds(30), failureLife: Duration = .seconds(5), capacity: Int = 4_096
    ) {
        self.init(base, life: life, failureLife: failureLife, capacity: capacity, now: { .now() })
    }

    init(_ base: any HostResolver, life: Duration, failureLife: Duration, capacity: Int, now: @escaping @Sendable () -> NIODeadline) {
        self.base = base
        self.life = life
        self.failureLife = failureLife
        self.capacity = max(1, capacity)
        self.now = now
    }

    package func addresses(of name: String) async throws -> [IPAddress] {
        if let known = known(name) { return try known.get() }
        return try await flights.run(name) { [self] in
            do {
                let addresses = try await base.addresses(of: name)
                remember(.success(addresses), of: name, for: life)
                return addresses
            } catch let error as OutboundError {
                remember(.failure(error), of: name, for: failureLife)
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

    private func remember(_ answer: Result<[IPAddress], OutboundError>, of name: String, for life: Duration) {
        let until = now() + TimeAmount(life)
        entries.withLock { entries in
            if entries.count >= capacity, entries[name] == nil {
                let now = now()
                entries = entries.filter { now < $0.value.until }
                if entries.count >= capacity { entries.removeAll(keepingCapacity: true) }
            }
            entries[name] = Entry(answer: answer, until: until)
        }
    }
}
