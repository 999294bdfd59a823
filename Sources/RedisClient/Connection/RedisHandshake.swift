import NIOCore

/// The first commands on a connection, all sent at once, and the meaning of their replies. Does no I/O.
struct RedisHandshake {
    /// The properties of a new connection.
    struct Plan {
        var username: String?
        var password: String?
        var clientName: String
        var database = 0
        var isTracking = true
        /// The server must be a master.
        var asksRole = false
        /// The server must belong to a cluster that accepts commands: one that has just rejoined does not for two seconds.
        var asksCluster = false
        var channels: [String] = []
    }

    enum Outcome {
        case more
        case done
        case failed(RedisError)
    }

    private enum Step { case hello, select, tracking, role, cluster, ping, subscription }

    /// The first version with everything that this client needs.
    private static let leastVersion = 7

    let plan: Plan
    private var steps: CircularBuffer<Step>
    private var missingChannels: Set<String>
    private(set) var serverVersion: String?
    /// Why the server does not track keys; `nil` if it does.
    private(set) var trackingRefusal: String?

    init(_ plan: Plan) {
        self.plan = plan
        missingChannels = Set(plan.channels)
        steps = [.hello]
        if plan.database != 0 { steps.append(.select) }
        if plan.isTracking { steps.append(.tracking) }
        if plan.asksRole { steps.append(.role) }
        if plan.asksCluster { steps.append(.cluster) }
        steps.append(.ping)
        if !plan.channels.isEmpty { steps.append(.subscription) }
    }

    func encode(into bytes: inout ByteBuffer) {
        for step in steps {
            bytes.write(RedisCommand(words(for: step), key: nil))
        }
    }

    private func words(for step: Step) -> [RedisWord] {
        switch step {
        case .hello:
            var words: [RedisWord] = ["HELLO", "3"]
            if let password = plan.password { words += ["AUTH", .text(plan.username ?? "default"), .text(password)] }
            return words + ["SETNAME", .text(plan.clientName)]
        case .select: return ["SELECT", .integer(Int64(plan.database))]
        case .tracking: return ["CLIENT", "TRACKING", "ON", "OPTIN", "NOLOOP"]
        case .role: return ["ROLE"]
        case .cluster: return ["CLUSTER", "INFO"]
        // Refused while the server loads its data, or does not have its master's data yet.
        case .ping: return ["PING"]
        case .subscription: return ["SUBSCRIBE"] + plan.channels.map { .text($0) }
        }
    }

    mutating func received(_ reply: RedisValue) -> Outcome {
        guard let step = steps.popFirst() else { return .failed(RedisError(.malformed, "an unexpected reply")) }
        if case .error(let error) = reply {
            switch step {
            case .tracking:
                trackingRefusal = error.message
                return steps.isEmpty ? .done : .more
            case .role where error.code == .server("NOPERM"), .cluster where error.code == .server("NOPERM"),
                .ping where error.code == .server("NOPERM"):
                // Assumed to be right: a replica would refuse writes, and a server that is loading or not in the cluster yet would refuse everything.
                return steps.isEmpty ? .done : .more
            case .ping where error.code == .server("MISCONF"):
                // It cannot save to its disk: it accepts no writes and no PING, but still answers.
                return steps.isEmpty ? .done : .more
            default: return .failed(explain(error, step))
            }
        }
        switch step {
        case .hello:
            if let failure = readHello(reply) { return .failed(failure) }
        case .role:
            guard reply.array?.first?.string == "master" else {
                return .failed(RedisError(.notConnected, "the server is not a master (any more)"))
            }
        case .cluster:
            guard reply.string?.contains("cluster_state:ok") == true else {
                return .failed(RedisError(.notConnected, "the server belongs to a cluster that accepts no commands at the moment"))
            }
        case .subscription: return .failed(Self.unconfirmed)
        case .select, .tracking, .ping: break
        }
        return steps.isEmpty ? .done : .more
    }

    mutating func subscribed(to channel: String) -> Outcome {
        missingChannels.remove(channel)
        guard missingChannels.isEmpty, steps.first == .subscription else { return .more }
        steps.removeFirst()
        return .done
    }

    static let unconfirmed = RedisError(.malformed, "the server does not confirm a subscription as it should")

    private mutating func readHello(_ reply: RedisValue) -> RedisError? {
        guard case .map(let pairs) = reply else { return RedisError(.malformed, "the answer to HELLO is not a map") }
        for index in stride(from: 0, to: pairs.count - 1, by: 2) where pairs[index].string == "version" {
            serverVersion = pairs[index + 1].string
        }
        let major = serverVersion?.prefix { $0 != "." }
        guard let major, let number = Int(major), number >= Self.leastVersion else {
            return RedisError(
                .notConnected, "Redis \(serverVersion ?? "of unknown version") is too old: \(Self.leastVersion).0 or later is needed")
        }
        return nil
    }

    /// Adds what to do about a refused subscription.
    func explain(_ error: RedisError) -> RedisError { explain(error, .subscription) }

    /// Adds what to do. Servers do not repeat a password in their answers.
    private func explain(_ error: RedisError, _ step: Step) -> RedisError {
        guard case .server(let word) = error.code else { return error }
        switch word {
        case "WRONGPASS":
            let user = plan.username.map { "user \($0)" } ?? "default user"
            return RedisError(
                error.code, "Redis refuses the \(user): set the right user name and password, and make sure that the user is enabled")
        case "NOAUTH":
            return RedisError(error.code, "Redis requires a password: set one, and a user name if it is not for the default user")
        case "NOPERM":
            return RedisError(error.code, "the Redis user may not do what is needed (\(error.message)): change its ACL")
        case "ERR" where step == .hello && error.message.contains("unknown command"):
            return RedisError(.notConnected, "Redis is too old: \(Self.leastVersion).0 or later is needed")
        case "ERR" where step == .hello && error.message.contains("AUTH"):
            return RedisError(.server("NOAUTH"), "Redis refuses the password: \(error.message)")
        default:
            return RedisError(error.code, "Redis refuses the connection: \(error.message)")
        }
    }
}
