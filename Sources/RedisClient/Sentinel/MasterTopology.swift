import Logging
import NIOCore

/// All commands go to one master: the configured server, or the one that sentinels name.
final class MasterTopology: RedisTopology, RedisLinkOwner {
    private let context: RedisContext
    private var link: RedisLink?
    private var warnedOfTracking = false
    private var nextAddress = 0
    private var sentinels: SentinelSet?
    /// Whether the last answer of the sentinels did not lead to a connection.
    private var isMisled = false

    init(_ context: RedisContext) {
        self.context = context
    }

    func start() {
        let configuration = context.configuration
        var plan = RedisHandshake.Plan(
            username: configuration.username, password: configuration.password, clientName: configuration.clientName,
            database: configuration.database, channels: configuration.channels)
        if case .sentinel(let master) = configuration.topology {
            plan.asksRole = true
            sentinels = SentinelSet(master: master, context) { [weak self] address in self?.masterMoved(to: address) }
        }
        let link = RedisLink(plan, context, owner: self) { [weak self] found in
            guard let self else { return }
            if let sentinels = self.sentinels {
                if self.isMisled { sentinels.distrust() }
                self.isMisled = true
                sentinels.find(found)
            } else {
                found(self.configuredServer())
            }
        }
        self.link = link
        link.start()
        sentinels?.start()
    }

    private func masterMoved(to address: RedisConfiguration.Address) {
        guard let link, link.address != address else { return }
        // The sentinels that moved it know where it is.
        isMisled = false
        link.restart(RedisError(.connectionLost, "the master is \(address) now"))
    }

    /// The configured servers in turn.
    private func configuredServer() -> Result<RedisConfiguration.Address, RedisError> {
        let addresses = context.configuration.addresses
        guard !addresses.isEmpty else { return .failure(RedisError(.notConnected, "no server is configured")) }
        defer { nextAddress += 1 }
        return .success(addresses[nextAddress % addresses.count])
    }

    func submit(_ batch: Outbox.Batch) {
        link?.submit(batch.bytes, batch.commands)
    }

    func close(_ closed: @escaping @Sendable () -> Void) {
        sentinels?.close()
        guard let link else { return closed() }
        link.close(closed)
    }

    // MARK: Reports from the link

    func linkChanged(_ link: RedisLink) {
        context.outbox.refuse(link.refusal)
        let isUsable = link.isUsable
        context.status.update { $0.isConnected = isUsable }
    }

    func linkIsReady(_ link: RedisLink, _ handshake: RedisHandshake) {
        isMisled = false
        context.status.update { status in
            status.serverVersion = handshake.serverVersion
            status.isTracking = handshake.plan.isTracking && handshake.trackingRefusal == nil
        }
        if let refusal = handshake.trackingRefusal, !warnedOfTracking {
            warnedOfTracking = true
            context.logger.warning(
                "Redis refuses to report changed keys: allow the user to call CLIENT TRACKING", metadata: ["reason": "\(refusal)"])
        }
        context.onEvent(.connected)
    }

    func link(_ link: RedisLink, told event: RedisEvent) {
        context.onEvent(event)
    }

    func link(_ link: RedisLink, subscribedTo channel: String) {}

    func link(_ link: RedisLink, refused command: PendingCommand, _ error: RedisError) -> Bool {
        switch error.code {
        case .server("READONLY"), .server("MASTERDOWN"), .server("LOADING"): break
        default: return false
        }
        // Nothing was carried out. The master is elsewhere, or will soon be here: until then no connection is useful, because the next
        // one would refuse writes too.
        link.plan.asksRole = true
        link.reconnect(RedisError(.connectionLost, error.message))
        if command.retries == 0 {
            var again = command
            again.retries += 1
            link.submit(again)
        } else {
            context.outbox.finish(command, .failure(RedisError(.notConnected, error.message)))
        }
        return true
    }
}
