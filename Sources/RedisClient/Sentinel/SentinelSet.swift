import Logging
import NIOCore

/// The sentinels of a master: all can be asked where it is, and one is watched for a new master. Lives on the event loop.
///
/// - SeeAlso: Redis documentation, "Guidelines for Redis clients with support for Redis Sentinel".
final class SentinelSet: RedisLinkOwner {
    private static let switched = "+switch-master"

    private let master: String
    private let context: RedisContext
    private let plan: RedisHandshake.Plan
    private let onSwitch: (RedisConfiguration.Address) -> Void
    /// The one that answered last comes first.
    private var addresses: [RedisConfiguration.Address]
    private var question: ServerQuestion?
    private var watch: RedisLink?
    private var nextWatched = 0

    /// - Parameter onSwitch: Called with the new master.
    init(master: String, _ context: RedisContext, onSwitch: @escaping (RedisConfiguration.Address) -> Void) {
        self.master = master
        self.context = context
        self.onSwitch = onSwitch
        let configuration = context.configuration
        addresses = configuration.addresses
        plan = RedisHandshake.Plan(
            username: configuration.sentinelUsername, password: configuration.sentinelPassword, clientName: configuration.clientName,
            isTracking: false)
    }

    func start() {
        var plan = plan
        plan.channels = [Self.switched]
        let link = RedisLink(plan, context, owner: self, role: "sentinel") { [weak self] found in
            guard let self, !self.context.configuration.addresses.isEmpty else { return }
            let addresses = self.context.configuration.addresses
            self.nextWatched += 1
            found(.success(addresses[(self.nextWatched - 1) % addresses.count]))
        }
        watch = link
        link.start()
    }

    func close() {
        question?.end()
        question = nil
        watch?.close {}
        watch = nil
    }

    /// Asks one sentinel after the other until one of them knows.
    func find(_ found: @escaping (Result<RedisConfiguration.Address, RedisError>) -> Void) {
        ask(addresses[...], reasons: [], found)
    }

    /// The last answer of a sentinel was wrong: ask another one first the next time.
    func distrust() {
        if !addresses.isEmpty { addresses.append(addresses.removeFirst()) }
    }

    private func ask(
        _ rest: ArraySlice<RedisConfiguration.Address>, reasons: [String],
        _ found: @escaping (Result<RedisConfiguration.Address, RedisError>) -> Void
    ) {
        question?.end()
        question = nil
        guard let address = rest.first else {
            let reasons = reasons.joined(separator: "; ")
            return found(.failure(RedisError(.notConnected, "no sentinel knows the master \"\(master)\": \(reasons)")))
        }
        let words: [RedisWord] = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", .text(master)]
        question = ServerQuestion(words, to: address, plan, context) { [weak self] result in
            guard let self else { return }
            var reason = "\(address) does not know it"
            switch result {
            case .success(let reply):
                if let pair = reply.array, pair.count == 2, let host = pair[0].string, let port = pair[1].integer,
                    let master = RedisConfiguration.Address(told: host, port: Int(port))
                {
                    self.addresses.removeAll { $0 == address }
                    self.addresses.insert(address, at: 0)
                    self.question = nil
                    return found(.success(master))
                }
            case .failure(let error): reason = error.message
            }
            self.ask(rest.dropFirst(), reasons: reasons + [reason], found)
        }
        question?.start()
    }

    // MARK: Reports from the watched sentinel

    func linkChanged(_ link: RedisLink) {}

    func linkIsReady(_ link: RedisLink, _ handshake: RedisHandshake) {}

    func link(_ link: RedisLink, subscribedTo channel: String) {}

    func link(_ link: RedisLink, told event: RedisEvent) {
        // name old-host old-port new-host new-port
        guard case .message(Self.switched, let payload) = event else { return }
        let words = String(buffer: payload).split(separator: " ")
        guard words.count == 5, words[0] == master, let port = Int(words[4]),
            let address = RedisConfiguration.Address(told: String(words[3]), port: port)
        else { return }
        onSwitch(address)
    }

    func link(_ link: RedisLink, refused command: PendingCommand, _ error: RedisError) -> Bool { false }
}
