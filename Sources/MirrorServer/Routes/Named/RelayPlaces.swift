import MirrorCore
import MirrorEngine
import MirrorNet
import Synchronization

/// What limits the bytes of others that the mirror passes on to clients.
struct Relays: Sendable {
    let memory = RelayMemory()
    /// For answers of origins.
    let places = RelayPlaces()
    /// For objects, by service, because its pools may share connections.
    private let streams: [String: RelayPlaces]

    init(_ pools: PoolTable) {
        streams = Dictionary(grouping: pools.all) { $0.id.service }
            .mapValues { RelayPlaces(limit: $0.map(\.maxStreams).min() ?? 1) }
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

    /// - Parameter limit: Places for each origin, of which one client network may have half, and one site three quarters.
    init(limit: Int = OutboundConfiguration().connectionsPerOrigin * 3 / 4) {
        semaphores = (FairSemaphore(limit: limit / 2), FairSemaphore(limit: limit * 3 / 4), FairSemaphore(limit: limit))
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
        // In this order for all, so that nobody waits for somebody who waits.
        if let network { try await take(Key(origin: origin, network: network), of: semaphores.networks, into: place) }
        if let site = network?.site { try await take(Key(origin: origin, network: site), of: semaphores.sites, into: place) }
        try await take(Key(origin: origin, network: nil), of: semaphores.all, into: place)
        return place
    }

    private func take(_ key: Key, of semaphore: FairSemaphore<Key>, into place: Place) async throws {
        try await semaphore.acquire(key)
        place.add { semaphore.release(key) }
    }

    /// How many wait because the network, or the site, has its share or, for `nil`, because all places are taken.
    func waiting(at origin: String, for network: ClientNetwork?) -> Int {
        let key = Key(origin: origin, network: network)
        return [semaphores.networks, semaphores.sites, semaphores.all].map { $0.waitingCount(key) }.reduce(0, +)
    }
}
