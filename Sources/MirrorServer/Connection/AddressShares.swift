import Logging
import MirrorCore
import NIOCore
import Synchronization

/// How many connections each client has, and how many it may have: a client is an IPv4 address, or a network of 64 bits of IPv6.
final class AddressShares: Sendable {
    private struct State {
        var counts: [[UInt8]: Int] = [:]
        var lastWarning: NIODeadline?
    }

    /// Time between two warnings, so that nobody fills the log.
    private static let silence = TimeAmount.minutes(1)

    private let limit: Int
    private let isExempt: @Sendable (IPAddress) -> Bool
    private let metrics: ConnectionMetrics
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter limit: Connections of one client.
    /// - Parameter isExempt: Of whom connections are not counted.
    init(limit: Int, isExempt: @escaping @Sendable (IPAddress) -> Bool, metrics: ConnectionMetrics, logger: Logger) {
        self.limit = limit
        self.isExempt = isExempt
        self.metrics = metrics
        self.logger = logger
    }

    /// Counts a connection until it closes.
    ///
    /// - Returns: `false` when its client has all that it may have.
    func admit(_ channel: any Channel) -> Bool {
        guard let address = channel.remoteAddress?.ipAddress.flatMap({ IPAddress($0)?.unmapped }), !isExempt(address) else { return true }
        let client = Array(address.bytes.prefix(8))
        let isAdmitted = state.withLock { state in
            guard state.counts[client, default: 0] < limit else { return false }
            state.counts[client, default: 0] += 1
            return true
        }
        if isAdmitted {
            channel.closeFuture.whenComplete { _ in self.release(client) }
        } else {
            refuse(address)
        }
        return isAdmitted
    }

    private func release(_ client: [UInt8]) {
        state.withLock { state in
            guard let count = state.counts[client] else { return }
            state.counts[client] = count > 1 ? count - 1 : nil
        }
    }

    private func refuse(_ address: IPAddress) {
        metrics.countRefused()
        let now = NIODeadline.now()
        let isWarning = state.withLock { state in
            if let last = state.lastWarning, now < last + Self.silence { return false }
            state.lastWarning = now
            return true
        }
        guard isWarning else { return }
        logger.warning(
            "a client has as many connections as one may have (server.maxConnectionsPerAddress), and more are closed",
            metadata: ["address": "\(address)", "connections": .stringConvertible(limit)])
    }
}
