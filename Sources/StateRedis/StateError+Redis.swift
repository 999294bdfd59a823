import MirrorState
import RedisClient

extension StateError {
    /// What to do about unreadable data, for the end of a message.
    static let remedy =
        "the state is only a cache of what the pools hold: delete the key, or all keys that begin with the configured prefix"

    /// Leaves out server texts that can contain arguments of a command, and so the query of a URL.
    init(_ error: RedisError) {
        guard case .server(let word) = error.code else {
            self.init(.unavailable, "Redis: \(error.message)", cause: error)
            return
        }
        switch word {
        case "WRONGTYPE":
            self = .otherType
        case "OOM":
            self.init(
                .unavailable,
                "Redis has no memory left: maxmemory is reached and nothing may be evicted; raise maxmemory, and allow eviction: "
                    + "CONFIG SET maxmemory-policy volatile-lru")
        case "NOAUTH", "WRONGPASS":
            self.init(.unavailable, "Redis refuses the user name or the password")
        case "NOPERM":
            self.init(
                .unavailable,
                "the Redis user lacks a permission: it needs the keys and channels that begin with the configured prefix, and the commands of "
                    + "+@read +@write +@scripting +@pubsub +@connection +info")
        case "READONLY":
            self.init(
                .unavailable,
                "the Redis server is a replica and does not accept writes: a fail-over is in progress, or the URL names a replica")
        case "MISCONF":
            self.init(.unavailable, "Redis does not accept writes because it cannot save to its disk; see its log")
        case "NOREPLICAS":
            self.init(.unavailable, "Redis does not accept writes because too few of its replicas are connected")
        case "LOADING", "BUSY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN":
            self.init(.unavailable, "Redis cannot answer right now (\(word))")
        default:
            self.init(.unavailable, "Redis: \(error.message.prefix(while: \.isPlain).prefix(200))", cause: nil)
        }
    }

    static let otherType = StateError(.corrupt, "a key in Redis does not have the type that this program gives it; \(remedy)")

    static func unexpected(_ what: String) -> StateError {
        StateError(.corrupt, "Redis gave an unexpected answer for \(what); another program may use the same prefix")
    }
}

extension Character {
    /// Arguments are in quotation marks.
    fileprivate var isPlain: Bool { !"'`\"".contains(self) }
}
