import MirrorCore

/// The names of one pool's keys, all with the pool as their hash tag, so that a cluster keeps them together.
struct PoolKeys: Sendable {
    /// The version of what is stored under the names. Versions of the program that store in different ways do not see each other's keys.
    private static let schema = 2

    let pool: PoolID
    private let base: String
    /// The key that every script gets first, and makes the names of the pool's other keys from.
    let counters: String
    /// Present replicas by last use.
    let present: String
    /// What the keys of replicas begin with.
    private let replicas: String

    init(prefix: String, pool: PoolID) {
        let base = "\(prefix):\(Self.schema):{\(pool)}:"
        self.pool = pool
        self.base = base
        counters = base + "counters"
        present = base + "present"
        replicas = base + "replica:"
    }

    /// The channel on which changes are published.
    var changes: String { base + "changes" }
    /// The stream of copy jobs.
    var jobs: String { base + "jobs" }
    var errors: String { base + "errors" }
    var copiers: String { base + "copiers" }

    func replica(_ artifact: ArtifactURL) -> String { replica(hash: artifact.nameHash) }

    /// - Parameter hash: Of the artifact's name: names can be long, so only the records contain them.
    func replica(hash: String) -> String { replicas + hash }

    /// The key of the query that the artifact is fetched with.
    func query(_ artifact: ArtifactURL) -> String { "\(base)query:\(artifact.nameHash)" }

    /// The hash in a key that ``replica(hash:)`` made.
    func hash(ofKey key: String) -> String? {
        guard key.utf8.starts(with: replicas.utf8) else { return nil }
        return String(Substring(key.utf8.dropFirst(replicas.utf8.count)))
    }

    /// - Returns: `nil` unless it is a canonical URL: no other was ever written.
    func replica(ofURL url: String) -> ReplicaID? {
        guard let artifact = try? ArtifactURL(url), artifact.description == url else { return nil }
        return ReplicaID(artifact: artifact, pool: pool)
    }
}
