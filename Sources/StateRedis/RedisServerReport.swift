package import MirrorState
import RedisClient

/// What a Redis server says of itself, and what of it is not as it should be.
package struct RedisServerReport: Sendable, Hashable {
    /// `7.0.15`; empty when it says none.
    package var version = ""
    /// `standalone`, `cluster` or `sentinel`.
    package var mode = ""
    /// `master` or `slave`, in Redis' own words.
    package var role = ""
    /// Bytes; 0 is no limit.
    package var maxMemory: Int64 = 0
    package var maxMemoryPolicy = ""
    /// Bytes.
    package var usedMemory: Int64 = 0
    /// Whether it writes what it holds to a disk; `nil` when it does not say.
    package var isPersistent: Bool?
    /// What is wrong, in plain words, each with what mends it.
    package var findings: [String] = []

    /// - Parameter info: The answer to `INFO`.
    /// - Parameter save: The `save` setting, where the server tells it.
    init(info: String, save: String?, isTracking: Bool) {
        var values: [Substring: Substring] = [:]
        for line in info.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if words.count == 2 { values[words[0]] = words[1] }
        }
        func text(_ name: Substring) -> String { values[name].map(String.init) ?? "" }
        version = text("redis_version")
        mode = text("redis_mode")
        role = text("role")
        maxMemory = Int64(text("maxmemory")) ?? 0
        maxMemoryPolicy = text("maxmemory_policy")
        usedMemory = Int64(text("used_memory")) ?? 0
        isPersistent = text("aof_enabled") == "1" ? true : save.map { !$0.isEmpty }
        findings = Self.versionFindings(version) + memoryFindings() + roleFindings()
        if !isTracking {
            findings.append(
                "the server does not tell which keys change, so a purge on one node reaches another only by pub/sub: "
                    + "let the user call CLIENT TRACKING (ACL SETUSER … +client|tracking)")
        }
    }

    private static func versionFindings(_ version: String) -> [String] {
        guard let major = version.split(separator: ".").first.flatMap({ Int($0) }), major < 7 else { return [] }
        return ["Redis \(version) is too old: 7.0 is the first that can run the scripts; upgrade it"]
    }

    private func memoryFindings() -> [String] {
        guard maxMemory > 0 else {
            return [
                "maxmemory is not set: Redis grows until its machine has no memory left; "
                    + "CONFIG SET maxmemory 1gb (or what the machine can spare)"
            ]
        }
        let remedy = "CONFIG SET maxmemory-policy volatile-lru, and the same in redis.conf"
        switch maxMemoryPolicy {
        case "volatile-lru", "volatile-lfu": return []
        case "noeviction":
            return ["maxmemory-policy is noeviction: nothing new is copied once maxmemory is reached; \(remedy)"]
        case "allkeys-lru", "allkeys-lfu", "allkeys-random":
            return ["maxmemory-policy is \(maxMemoryPolicy): Redis may evict the queue of copy jobs and the totals; \(remedy)"]
        default:
            return [
                "maxmemory-policy is \(maxMemoryPolicy): Redis evicts replicas that are in use before those that are not; \(remedy)"
            ]
        }
    }

    private func roleFindings() -> [String] {
        guard role == "slave", mode != "cluster" else { return [] }
        return ["the server is a replica and takes no writes: name the master in state.redis.url, or the sentinels"]
    }
}

extension RedisStateStore {
    /// Asks the server, or one of those of a cluster, what it is and how it is set up.
    package func serverReport() async throws(StateError) -> RedisServerReport {
        let info = try await execute(RedisCommand(["INFO"], key: nil))
        guard let info = info.string else { throw .unexpected("INFO") }
        // Many providers do not let anybody ask.
        let save = try? await execute(RedisCommand(["CONFIG", "GET", "save"], key: nil))
        return RedisServerReport(info: info, save: save?.array?.last?.string, isTracking: isTracking)
    }
}
