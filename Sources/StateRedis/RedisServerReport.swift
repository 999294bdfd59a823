import Logging
package import MirrorState
package import NIOCore
package import RedisClient

/// What a Redis server reports about itself, and the problems with it.
package struct RedisServerReport: Sendable, Hashable {
    /// Which server it is, if there are several.
    package var server: RedisConfiguration.Address?
    /// `7.0.15`; empty if it does not say.
    package var version = ""
    /// `standalone`, `cluster` or `sentinel`.
    package var mode = ""
    /// `master` or `slave`, in Redis's own words.
    package var role = ""
    /// In bytes; 0 for no limit.
    package var maxMemory: Int64 = 0
    package var maxMemoryPolicy = ""
    /// In bytes.
    package var usedMemory: Int64 = 0
    /// What keeps the mirror from working with the server, in plain words, each with its remedy.
    package var errors: [String] = []
    /// Other problems, in the same form.
    package var findings: [String] = []

    /// - Parameter info: The answer to `INFO`.
    /// - Parameter topology: The configured one.
    init(info: String, topology: RedisConfiguration.Topology, isTracking: Bool) {
        var values: [Substring: Substring] = [:]
        for line in info.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if words.count == 2 { values[words[0]] = words[1] }
        }
        func text(_ name: Substring) -> String { values[name].map(String.init) ?? "" }
        version = text("redis_version")
        mode = text("cluster_enabled") == "1" ? "cluster" : text("redis_mode")
        role = text("role")
        maxMemory = Int64(text("maxmemory")) ?? 0
        maxMemoryPolicy = text("maxmemory_policy")
        usedMemory = Int64(text("used_memory")) ?? 0
        errors = Self.versionErrors(version) + placeErrors(topology)
        guard mode != "sentinel" else { return }
        findings = memoryFindings()
        if !isTracking {
            findings.append(
                "the server does not report which keys change, so a purge on one node reaches another only by pub/sub: "
                    + "allow the user to call CLIENT TRACKING (ACL SETUSER … +client|tracking)")
        }
    }

    /// A server that could not be asked.
    init(server: RedisConfiguration.Address, _ error: StateError) {
        self.server = server
        errors = [error.message]
    }

    private static func versionErrors(_ version: String) -> [String] {
        guard let major = version.split(separator: ".").first.flatMap({ Int($0) }), major < 7 else { return [] }
        return ["Redis \(version) is too old: 7.0 is the first that can run the scripts; upgrade it"]
    }

    private func placeErrors(_ topology: RedisConfiguration.Topology) -> [String] {
        switch (mode, topology) {
        case ("cluster", .single), ("cluster", .sentinel):
            [
                "the server is one of a cluster and has only some of the keys: write redis+cluster:// (rediss+cluster:// with TLS) in state.redis.url"
            ]
        case ("sentinel", _):
            [
                "the server is a sentinel and holds no data: write redis+sentinel://host:port/NAME in state.redis.url, as in `sentinel monitor NAME`"
            ]
        case (_, .single) where role == "slave", (_, .sentinel) where role == "slave":
            ["the server is a replica and does not accept writes: name the master in state.redis.url, or the sentinels"]
        default: []
        }
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
            guard usedMemory < maxMemory else {
                return ["memory is full and maxmemory-policy is noeviction: nothing new is copied until there is room; \(remedy)"]
            }
            return ["maxmemory-policy is noeviction: nothing new is copied once maxmemory is reached; \(remedy)"]
        case "allkeys-lru", "allkeys-lfu", "allkeys-random":
            return ["maxmemory-policy is \(maxMemoryPolicy): Redis may evict the queue of copy jobs and the totals; \(remedy)"]
        default:
            return [
                "maxmemory-policy is \(maxMemoryPolicy): Redis evicts replicas that are in use before those that are not; \(remedy)"
            ]
        }
    }
}

extension RedisStateStore {
    /// How long a server of a cluster may take to answer.
    private static let patience = Duration.seconds(3)

    /// Asks the server, or one server of a cluster, for its state and settings.
    package func serverReport(_ topology: RedisConfiguration.Topology = .single) async throws(StateError) -> RedisServerReport {
        let info = try await execute(RedisCommand(["INFO"], key: nil))
        guard let info = info.string else { throw .unexpected("INFO") }
        return RedisServerReport(info: info, topology: topology, isTracking: isTracking)
    }

    /// The same for every server that has keys: in a cluster each master is asked, over its own connection.
    ///
    /// - Parameter configuration: The one that the store was opened with.
    /// - Throws: ``StateError`` if no server can be asked; if one server of several does not answer, that is an error in its report.
    package func serverReports(_ configuration: RedisConfiguration, group: any EventLoopGroup) async throws(StateError)
        -> [RedisServerReport]
    {
        guard configuration.topology == .cluster else { return [try await serverReport(configuration.topology)] }
        let slots = try await execute(RedisCommand(["CLUSTER", "SLOTS"], key: nil))
        guard let masters = configuration.masters(slots) else { throw .unexpected("CLUSTER SLOTS") }
        var reports: [RedisServerReport] = []
        for master in masters { reports.append(await Self.report(master, configuration, group)) }
        return reports
    }

    private static func report(
        _ server: RedisConfiguration.Address, _ cluster: RedisConfiguration, _ group: any EventLoopGroup
    ) async -> RedisServerReport {
        var configuration = cluster
        configuration.topology = .single
        configuration.addresses = [server]
        configuration.channels = []
        configuration.commandTimeout = max(cluster.commandTimeout, patience)
        configuration.connectionWait = configuration.commandTimeout
        let redis = RedisDatabase(
            configuration, group: group, logger: Logger(label: "cloud-mirror.redis", factory: { _ in SwiftLogNoOpLogHandler() }))
        var report: RedisServerReport
        do throws(RedisError) {
            let info = try await redis.execute(RedisCommand(["INFO"], key: nil)).string ?? ""
            report = RedisServerReport(info: info, topology: .cluster, isTracking: redis.isTracking)
            report.server = server
        } catch {
            report = RedisServerReport(server: server, StateError(error))
        }
        await redis.close()
        return report
    }
}
