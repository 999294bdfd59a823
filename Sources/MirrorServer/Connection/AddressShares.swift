import Logging
import MirrorCore
import NIOCore
import Synchronization

/// How many connections each client network has, and how many it may have; with IPv6 also each site (``ClientNetwork``).
final class AddressShares: Sendable {
    private struct State {
        var shares = NetworkShares()
        var lastWarning: NIODeadline?
    }

    /// Time between two warnings, so that no client can fill the log.
    private static let silence = TimeAmount.minutes(1)

    private let limit: Int
    private let isExempt: @Sendable (IPAddress) -> Bool
    private let metrics: ConnectionMetrics
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter limit: Connections per client.
    /// - Parameter isExempt: Whether connections from an address are not counted.
    init(limit: Int, isExempt: @escaping @Sendable (IPAddress) -> Bool, metrics: ConnectionMetrics, logger: Logger) {
        self.limit = limit
        self.isExempt = isExempt
        self.metrics = metrics
        self.logger = logger
    }

    /// Counts a connection until it closes.
    ///
    /// - Returns: `false` if its client, or the client's site, has reached its limit.
    func admit(_ channel: any Channel) -> Bool {
        admit(channel, from: channel.remoteIPAddress)
    }

    /// The same for a connection whose client was named by a proxy.
    func admit(_ channel: any Channel, from address: IPAddress?) -> Bool {
        guard let address, !isExempt(address) else { return true }
        let client = ClientNetwork(address)
        let full = state.withLock { state in
            let full = state.shares.full(client, limit: limit)
            if full == nil { state.shares.take(client) }
            return full
        }
        if let full {
            refuse(full)
            return false
        }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.shares.giveBack(client) } }
        return true
    }

    private func refuse(_ full: ClientNetwork) {
        metrics.countRefused()
        let now = NIODeadline.now()
        let isWarning = state.withLock { state in
            if let last = state.lastWarning, now < last + Self.silence { return false }
            state.lastWarning = now
            return true
        }
        guard isWarning else { return }
        logger.warning(
            "a client has reached its limit of connections (server.maxConnectionsPerAddress); further ones are closed",
            metadata: ["network": "\(full)", "connections": .stringConvertible(limit * full.worth)])
    }
}
