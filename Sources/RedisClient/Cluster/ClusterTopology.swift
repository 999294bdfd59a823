import Logging
import NIOCore

/// The keys are spread over the masters of a cluster: each command goes to the master that has the slot of its key. Lives on the event loop.
///
/// There is a link to every master that has slots. The map of the slots is requested at the start, when a server says that a slot is
/// elsewhere, and repeatedly while a master is unavailable.
///
/// - SeeAlso: Redis Cluster Specification.
final class ClusterTopology: RedisTopology, RedisLinkOwner {
    /// How many times a command is sent again, to the same server or another, before it fails.
    private static let maxRetries = 16
    /// The pause before a command is sent again, if a server cannot carry it out while a slot is moving.
    private static let retryPause = TimeAmount.milliseconds(20)
    /// The pause between requests for the map.
    private static let refreshPause = TimeAmount.milliseconds(100)
    /// The maximum number of links to servers without a slot: moving slots go to a few servers at a time.
    static let maxOthers = 32

    private struct Node {
        let link: RedisLink
        var lastUse: NIODeadline
    }

    private let context: RedisContext
    private let idleTime: TimeAmount
    private var map: SlotMap?
    private var nodes: [RedisConfiguration.Address: Node] = [:]
    /// By index of `map.servers`.
    private var links: [RedisLink] = []
    /// The link from which each channel's messages are accepted.
    private var subscribed: [String: RedisLink] = [:]
    private var question: ServerQuestion?
    private var refreshTimer: Scheduled<Void>?
    private var leaveTimer: Scheduled<Void>?
    private var lastRefresh: NIODeadline?
    private var mapError: RedisError?
    private lazy var waiting = WaitingCommands(context) { [weak self] in
        self?.context.outbox.fail($0, RedisError(.notConnected, "the cluster is not known yet"))
    }
    private var log: FailureLog
    private var warnedOfTracking = false
    private var isClosed = false

    /// - Parameter idleTime: How long the link to a server without slots is kept after its last use.
    init(_ context: RedisContext, idleTime: TimeAmount = .seconds(10)) {
        self.context = context
        self.idleTime = idleTime
        log = FailureLog(context.logger, role: "cluster")
    }

    func start() { askForMap() }

    // MARK: Commands

    func submit(_ batch: Outbox.Batch) {
        var bytes = batch.bytes
        var shares: [(link: RedisLink, bytes: ByteBuffer, commands: [PendingCommand])] = []
        for command in batch.commands {
            let encoded = bytes.readSlice(length: command.cost) ?? ByteBuffer()
            guard let link = link(for: command) else {
                hold(command)
                continue
            }
            if let index = shares.firstIndex(where: { $0.link === link }) {
                shares[index].bytes.writeImmutableBuffer(encoded)
                shares[index].commands.append(command)
            } else {
                shares.append((link, ByteBuffer(buffer: encoded), [command]))
            }
        }
        for share in shares { share.link.submit(share.bytes, share.commands) }
    }

    private func link(for command: PendingCommand) -> RedisLink? {
        guard let map else { return nil }
        guard let key = command.command.key else { return links.first(where: \.isUsable) ?? links.first }
        return map.owner(of: HashSlot.of(key)).map { links[$0] }
    }

    /// Called while the right server for a command is unknown.
    private func hold(_ command: PendingCommand) {
        if map != nil {
            requestMap()
            return context.outbox.finish(command, .failure(RedisError(.notConnected, "no server of the cluster has the slot of the key")))
        }
        if let mapError, command.retries == 0 { return context.outbox.finish(command, .failure(mapError)) }
        waiting.append(command)
    }

    private func route(_ command: PendingCommand) {
        guard !isClosed, command.deadline > .now() else {
            return context.outbox.finish(command, .failure(RedisError(.notConnected, "the cluster was not ready in time")))
        }
        if let link = link(for: command) { link.submit(command) } else { hold(command) }
    }

    func link(_ link: RedisLink, refused command: PendingCommand, _ error: RedisError) -> Bool {
        guard case .server(let word) = error.code else { return false }
        var again = command
        again.retries += 1
        again.isAsking = false
        guard again.retries <= Self.maxRetries else {
            if !["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN"].contains(word) { return false }
            context.outbox.finish(command, .failure(RedisError(.notConnected, error.message)))
            return true
        }
        switch word {
        case "MOVED":
            guard let moved = link.address.flatMap({ SlotRedirection(error, asked: $0) }) else { return false }
            map?.assign(moved.slot...moved.slot, to: moved.address)
            relink()
            requestMap()
            route(again)
        case "ASK":
            guard let asked = link.address.flatMap({ SlotRedirection(error, asked: $0) }) else { return false }
            if command.isTracked || !mayAsk(asked.address) {
                // A command cannot be both redirected and tracked: it waits until the slot has arrived.
                retryLater(again)
            } else {
                again.isAsking = true
                node(asked.address).submit(again)
            }
        case "CLUSTERDOWN", "MASTERDOWN", "LOADING":
            requestMap()
            retryLater(again)
        case "TRYAGAIN":
            retryLater(again)
        default:
            return false
        }
        return true
    }

    private func retryLater(_ command: PendingCommand) {
        context.loop.assumeIsolated().scheduleTask(in: Self.retryPause) { self.route(command) }
    }

    // MARK: The map

    private func requestMap() {
        guard !isClosed, question == nil, refreshTimer == nil else { return }
        let earliest = lastRefresh.map { $0 + Self.refreshPause } ?? .now()
        refreshTimer = context.loop.assumeIsolated().scheduleTask(deadline: earliest) { [weak self] in
            self?.refreshTimer = nil
            self?.askForMap()
        }
    }

    private func askForMap() {
        guard !isClosed, question == nil else { return }
        // First the servers that can be reached, then the known ones, then the configured ones.
        var candidates = nodes.filter { $0.value.link.isUsable }.map(\.key).shuffled()
        candidates += map?.servers ?? []
        candidates += context.configuration.addresses
        var known: Set<RedisConfiguration.Address> = []
        candidates = candidates.filter { known.insert($0).inserted }
        askForMap(candidates[...], reasons: [])
    }

    private func askForMap(_ candidates: ArraySlice<RedisConfiguration.Address>, reasons: [String]) {
        guard let address = candidates.first else {
            lastRefresh = .now()
            let reasons = Set(reasons).sorted().joined(separator: "; ")
            let error = RedisError(.notConnected, "no server of the cluster says where its slots are: \(reasons)")
            mapError = error
            log.failed(error)
            context.outbox.fail(waiting.takeFresh(), error)
            tellState()
            return requestMap()
        }
        let asking = ServerQuestion(["CLUSTER", "SLOTS"], to: address, plan(channels: [], isTracking: false), context) {
            [weak self] result in
            guard let self else { return }
            self.question = nil
            switch result {
            case .success(let reply):
                guard let map = SlotMap(reply, asked: address), !map.servers.isEmpty else {
                    return self.askForMap(candidates.dropFirst(), reasons: reasons + ["\(address): no slots"])
                }
                self.use(map)
            case .failure(let error): self.askForMap(candidates.dropFirst(), reasons: reasons + [error.message])
            }
        }
        question = asking
        asking.start()
    }

    private func use(_ new: SlotMap) {
        lastRefresh = .now()
        mapError = nil
        map = new
        relink()
        leaveOthers()
        for command in waiting.takeAll() { route(command) }
        tellState()
        // While slots are missing, ask again: another server may know who has them.
        if !new.isComplete { requestMap() }
    }

    private func plan(channels: [String], isTracking: Bool) -> RedisHandshake.Plan {
        let configuration = context.configuration
        return RedisHandshake.Plan(
            username: configuration.username, password: configuration.password, clientName: configuration.clientName,
            isTracking: isTracking, asksCluster: true, channels: channels)
    }

    // MARK: Links

    /// Whether a server without a slot may be asked: each new one is another link.
    private func mayAsk(_ address: RedisConfiguration.Address) -> Bool { nodes[address] != nil || others.count < Self.maxOthers }

    /// The servers without a slot, the most recently used first.
    private var others: [(address: RedisConfiguration.Address, node: Node)] {
        let served = Set(map?.servers ?? [])
        return nodes.filter { !served.contains($0.key) }.map { (address: $0.key, node: $0.value) }.sorted {
            $0.node.lastUse > $1.node.lastUse
        }
    }

    private func relink() {
        guard let map else { return }
        var channels: [RedisConfiguration.Address: [String]] = [:]
        for channel in context.configuration.channels {
            if let owner = map.owner(of: HashSlot.of(channel)) { channels[map.servers[owner], default: []].append(channel) }
        }
        links = map.servers.map { node($0, channels: channels[$0] ?? []) }
    }

    @discardableResult
    private func node(_ address: RedisConfiguration.Address, channels: [String] = []) -> RedisLink {
        if let node = nodes[address] {
            nodes[address]?.lastUse = .now()
            let further = channels.filter { !node.link.plan.channels.contains($0) }
            if !further.isEmpty { node.link.subscribe(to: further) }
            // The channel moved away and came back: its subscription here never ended.
            for channel in channels where !further.contains(channel) && node.link.isUsable { take(channel, node.link) }
            return node.link
        }
        let link = RedisLink(plan(channels: channels, isTracking: true), context, owner: self) { found in found(.success(address)) }
        nodes[address] = Node(link: link, lastUse: .now())
        link.start()
        if !(map?.servers.contains(address) ?? false) { leaveOthersLater() }
        return link
    }

    private func leaveOthersLater() {
        guard leaveTimer == nil else { return }
        leaveTimer = context.loop.assumeIsolated().scheduleTask(in: idleTime) { [weak self] in
            self?.leaveTimer = nil
            self?.leaveOthers()
        }
    }

    /// Closes links to servers without a slot that cannot be reached or were not used for a while, and those above the maximum.
    private func leaveOthers() {
        let now = NIODeadline.now()
        var kept = 0
        var isTold = false
        for (address, node) in others {
            if node.link.refusal == nil, now - node.lastUse < idleTime, kept < Self.maxOthers {
                kept += 1
                continue
            }
            let wasUsable = node.link.isUsable
            nodes[address] = nil
            node.link.close {}
            guard wasUsable else { continue }
            // Its keys are no longer tracked, and its channels no longer heard.
            isTold = true
            context.onEvent(.disconnected(RedisError(.connectionLost, "\(address) no longer has slots")))
        }
        if isTold, nodes.contains(where: { $0.value.link.isUsable }) { context.onEvent(.connected) }
        if kept > 0 { leaveOthersLater() }
    }

    private func take(_ channel: String, _ link: RedisLink) {
        guard subscribed[channel] !== link else { return }
        let isMove = subscribed[channel] != nil
        subscribed[channel] = link
        if isMove { context.onEvent(.connected) }
    }

    // MARK: Reports from links

    func linkChanged(_ link: RedisLink) {
        tellState()
        if !link.isUsable { requestMap() }
    }

    private func tellState() {
        let isConnected = map?.isComplete == true && links.allSatisfy(\.isUsable)
        context.status.update { $0.isConnected = isConnected }
        if map == nil {
            context.outbox.refuse(mapError)
        } else {
            // If one server answers, each command finds out for itself.
            let refusals = links.map(\.refusal)
            context.outbox.refuse(refusals.contains(nil) ? nil : refusals.first ?? nil)
        }
    }

    func linkIsReady(_ link: RedisLink, _ handshake: RedisHandshake) {
        context.status.update { status in
            status.serverVersion = handshake.serverVersion
            status.isTracking = handshake.trackingRefusal == nil
        }
        if let refusal = handshake.trackingRefusal, !warnedOfTracking {
            warnedOfTracking = true
            context.logger.warning(
                "Redis refuses to report changed keys: allow the user to call CLIENT TRACKING", metadata: ["reason": "\(refusal)"])
        }
        for channel in handshake.plan.channels where isOwner(link, of: channel) { subscribed[channel] = link }
        // Channels that were added while the connection was being made.
        let missed = link.plan.channels.filter { !handshake.plan.channels.contains($0) }
        if !missed.isEmpty { link.resubscribe(to: missed) }
        context.onEvent(.connected)
    }

    private func isOwner(_ link: RedisLink, of channel: String) -> Bool {
        map?.owner(of: HashSlot.of(channel)).map { links.indices.contains($0) && links[$0] === link } ?? false
    }

    func link(_ link: RedisLink, subscribedTo channel: String) {
        if isOwner(link, of: channel) { take(channel, link) }
    }

    func link(_ link: RedisLink, told event: RedisEvent) {
        // Every server of a cluster sends every message; one with an older subscription would report it twice.
        if case .message(let channel, _) = event, let teller = subscribed[channel], teller !== link { return }
        context.onEvent(event)
    }

    // MARK: Closing

    func close(_ closed: @escaping @Sendable () -> Void) {
        isClosed = true
        question?.end()
        refreshTimer?.cancel()
        leaveTimer?.cancel()
        context.outbox.fail(waiting.takeAll(), .closed)
        let open = nodes.values.map(\.link)
        nodes = [:]
        let done = open.map { link in
            let promise = context.loop.makePromise(of: Void.self)
            link.close { promise.succeed() }
            return promise.futureResult
        }
        EventLoopFuture.andAllComplete(done, on: context.loop).whenComplete { _ in closed() }
    }
}
