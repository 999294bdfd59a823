import MirrorCore
import MirrorEngine
import Synchronization

/// What limits the bytes of others that the mirror passes on to clients.
struct Relays: Sendable {
    let memory = RelayMemory()
    /// For answers of origins.
    let places: RelayPlaces
    /// For objects, by service, because its pools may share connections.
    private let streams: [String: RelayPlaces]

    init(_ pools: PoolTable, _ configuration: ServerConfiguration) {
        let share = configuration.maxRelaysPerAddress
        places = RelayPlaces(limit: configuration.maxRelays, ofNetwork: share)
        streams = Dictionary(grouping: pools.all) { $0.id.service }
            .mapValues { RelayPlaces(limit: $0.map(\.maxStreams).min() ?? 1, ofNetwork: share) }
    }

    /// For the objects of a pool, and all others of its service.
    func streams(from pool: PoolID) -> RelayPlaces { streams[pool.service] ?? places }
}

/// Places for answers that are passed on as they arrive. Each takes a connection to its origin, or to a pool's service, for as long as the client reads. So
/// clients that are slow to read could take all of them, which pages, copies and other clients need as well.
final class RelayPlaces: Sendable {
    private struct Key: Hashable {
        let origin: String
        let network: ClientNetwork?
    }

    /// For one client network; for one site; for all.
    private let semaphores: (networks: FairSemaphore<Key>, sites: FairSemaphore<Key>, all: FairSemaphore<Key>)

    /// - Parameter limit: Places for each origin.
    /// - Parameter share: How many of them one client network may have, and a site three times as many; `nil` for a quarter.
    init(limit: Int, ofNetwork share: Int? = nil) {
        let share = share ?? max(1, limit / 4)
        semaphores = (FairSemaphore(limit: share), FairSemaphore(limit: share * ClientNetwork.sitesWorth), FairSemaphore(limit: limit))
    }

    /// There has been no place in time.
    struct Full: Error {}

    /// Given back as soon as nobody has it any more.
    final class Place: Sendable {
        private let held = Mutex<[@Sendable () -> Void]>([])

        deinit { for giveBack in held.withLock({ $0 }) { giveBack() } }

        fileprivate func add(_ giveBack: @escaping @Sendable () -> Void) { held.withLock { $0.append(giveBack) } }
    }

    /// Waits for a place, in order of arrival.
    ///
    /// - Parameter origin: Scheme, host and port, or the service's name.
    /// - Parameter network: `nil` for many clients, who have no share.
    /// - Throws: `CancellationError`.
    func place(at origin: String, for network: ClientNetwork?) async throws -> Place {
        let place = Place()
        for (semaphore, key) in permits(at: origin, for: network) {
            try await semaphore.acquire(key)
            place.add { semaphore.release(key) }
        }
        return place
    }

    /// A place that nobody has to be waited for; `nil` if there is none.
    func free(at origin: String, for network: ClientNetwork?) -> Place? {
        let place = Place()
        for (semaphore, key) in permits(at: origin, for: network) {
            guard semaphore.acquireNow(key) else { return nil }
            place.add { semaphore.release(key) }
        }
        return place
    }

    /// What makes a place, in the same order for all, so that nobody waits for somebody who waits.
    private func permits(at origin: String, for network: ClientNetwork?) -> [(semaphore: FairSemaphore<Key>, key: Key)] {
        var permits: [(semaphore: FairSemaphore<Key>, key: Key)] = []
        if let network { permits.append((semaphores.networks, Key(origin: origin, network: network))) }
        if let site = network?.site { permits.append((semaphores.sites, Key(origin: origin, network: site))) }
        permits.append((semaphores.all, Key(origin: origin, network: nil)))
        return permits
    }

    /// How many wait because the network, or its site, has its share or, for `nil`, because all places are taken.
    func waiting(at origin: String, for network: ClientNetwork?) -> Int {
        guard let network else { return semaphores.all.waitingCount(Key(origin: origin, network: nil)) }
        let ofSite = network.site.map { semaphores.sites.waitingCount(Key(origin: origin, network: $0)) } ?? 0
        return semaphores.networks.waitingCount(Key(origin: origin, network: network)) + ofSite
    }
}
