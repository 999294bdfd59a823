import AsyncHTTPClient
import MirrorCore
import NIOCore
import Synchronization

/// HTTP clients that each connect to one checked address, but use the host's name for `Host`, SNI and the certificate.
///
/// AsyncHTTPClient replaces a name by an address for a whole client (`dnsOverride`), not for a single request. So there is a client for each pair
/// of host and address. It is kept, with its connections, as long as it is used.
final class PinnedClients: Sendable {
    struct Pin: Hashable, Sendable {
        let scheme: ArtifactURL.Scheme
        let host: String
        let address: IPAddress
    }

    /// A client in use; returned when the lease is dropped.
    final class Lease: Sendable {
        let client: HTTPClient
        private let clients: PinnedClients
        private let pin: Pin

        fileprivate init(_ client: HTTPClient, of clients: PinnedClients, pin: Pin) {
            self.client = client
            self.clients = clients
            self.pin = pin
        }

        deinit {
            clients.giveBack(pin)
        }

        /// Remembers whether the address answers.
        func note(isReachable: Bool) {
            clients.state.withLock { $0.entries[pin]?.isReachable = isReachable }
        }
    }

    private struct Entry {
        let client: HTTPClient
        var leases = 0
        var isReachable: Bool?
        var lastUsed: NIODeadline
    }

    private struct State {
        var entries: [Pin: Entry] = [:]
        /// Clients that are shutting down.
        var closing: [ObjectIdentifier: EventLoopFuture<Void>] = [:]
        var isShutDown = false
    }

    private let configuration: OutboundConfiguration
    private let eventLoopGroup: any EventLoopGroup
    private let state = Mutex(State())

    init(configuration: OutboundConfiguration, eventLoopGroup: any EventLoopGroup) {
        self.configuration = configuration
        self.eventLoopGroup = eventLoopGroup
    }

    deinit {
        // No task waits any more, but the clients must be shut down, or they trap.
        for entry in state.withLock({ $0.entries.values }) {
            let _: EventLoopFuture<Void> = entry.client.shutdown()
        }
    }

    /// - Throws: ``OutboundError`` after ``shutdown()``.
    func lease(_ pin: Pin) throws -> Lease {
        let (client, evicted) = try state.withLock { state in
            guard !state.isShutDown else { throw OutboundError(.connectFailed, "the client is shut down") }
            var evicted: [HTTPClient] = []
            if state.entries[pin] == nil {
                evicted = evict(from: &state)
                let client = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: makeConfiguration(for: pin))
                state.entries[pin] = Entry(client: client, lastUsed: .now())
            }
            state.entries[pin]?.leases += 1
            return (state.entries[pin]?.client, evicted)
        }
        evicted.forEach(close)
        guard let client else { throw OutboundError(.connectFailed, "the client is shut down") }
        return Lease(client, of: self, pin: pin)
    }

    /// Sorts addresses: first those that have answered recently, which may have an open connection, and last those that have failed to.
    func order(_ addresses: [IPAddress], for url: ArtifactURL) -> [IPAddress] {
        let isReachable = state.withLock { state in
            addresses.map { state.entries[Pin(scheme: url.scheme, host: url.host, address: $0)]?.isReachable }
        }
        return [true, nil, false].flatMap { wanted in zip(addresses, isReachable).compactMap { $1 == wanted ? $0 : nil } }
    }

    /// Fails requests in progress and returns once every connection is closed.
    func shutdown() async {
        let clients = state.withLock { state in
            state.isShutDown = true
            defer { state.entries = [:] }
            return state.entries.values.map(\.client)
        }
        clients.forEach(close)
        for future in state.withLock({ Array($0.closing.values) }) { try? await future.get() }
    }

    var count: Int { state.withLock { $0.entries.count } }

    private func giveBack(_ pin: Pin) {
        state.withLock { state in
            state.entries[pin]?.leases -= 1
            state.entries[pin]?.lastUsed = .now()
        }
    }

    /// Removes clients that have been unused for ``OutboundConfiguration/keepAlive``, and the longest unused ones while there are too many. Clients
    /// in use stay, even if there are too many.
    private func evict(from state: inout State) -> [HTTPClient] {
        let stale = NIODeadline.now() - TimeAmount(configuration.keepAlive)
        let unused = state.entries.filter { $0.value.leases == 0 }.sorted { $0.value.lastUsed < $1.value.lastUsed }
        var surplus = state.entries.count + 1 - configuration.maxPinnedHosts
        var evicted: [HTTPClient] = []
        for (pin, entry) in unused where surplus > 0 || entry.lastUsed < stale {
            state.entries[pin] = nil
            surplus -= 1
            evicted.append(entry.client)
        }
        return evicted
    }

    private func close(_ client: HTTPClient) {
        let future: EventLoopFuture<Void> = client.shutdown()
        let id = ObjectIdentifier(client)
        state.withLock { $0.closing[id] = future }
        // The client is kept until then, so that no other object gets its identifier.
        future.whenComplete { [weak self] _ in
            withExtendedLifetime(client) { _ = self?.state.withLock { $0.closing.removeValue(forKey: id) } }
        }
    }

    func makeConfiguration(for pin: Pin) -> HTTPClient.Configuration {
        var client = HTTPClient.Configuration(configuration)
        if IPAddress(pin.host) == nil { client.dnsOverride = [pin.host: pin.address.description] }
        let configuration = configuration
        client.http1_1ConnectionDebugInitializer = { channel in
            Self.prepare(channel, for: pin, configuration)
        }
        return client
    }

    private static func prepare(_ channel: any Channel, for pin: Pin, _ configuration: OutboundConfiguration) -> EventLoopFuture<Void> {
        // The pin works only if the client parses the host of a URL as we do. If it ever does not, no byte goes to an unchecked address.
        guard channel.remoteAddress?.ipAddress.flatMap(IPAddress.init) == pin.address else {
            // Closed in the next turn of the event loop, because the client must see the failure before the end of the connection.
            channel.eventLoop.execute { channel.close(promise: nil) }
            return channel.eventLoop.makeFailedFuture(WrongPeerError())
        }
        return configuration.prepare(channel)
    }
}

/// A connection leads to an address other than the one that was checked.
struct WrongPeerError: Error {}
