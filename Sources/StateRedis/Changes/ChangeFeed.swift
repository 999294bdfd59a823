import MirrorCore
import MirrorState
import NIOCore
import RedisClient
import Synchronization

/// Turns the servers' messages into the streams of changes. Works on the event loop.
///
/// While no server can be reached it stays silent for a time: remembered replicas are then the best available information. Only requests that
/// wait for a change soon get ``ReplicaChange/interrupted``, so that they wait no longer.
final class ChangeFeed: Sendable {
    /// A connection that breaks and is restored within this time disturbs nothing.
    private static let patience = Duration.milliseconds(200)

    let broadcaster = ChangeBroadcaster()
    /// Of documents about lives.
    let notices = NoticeBroadcaster()
    private let known = KnownReplicas()
    private let pools: [String: PoolKeys]
    private let keys: [PoolKeys]
    private let learned: String
    private let staleLife: Duration
    private let loop: any EventLoop
    /// Changes to be published if the connection is not restored.
    private let pending = Mutex<[Scheduled<Void>]>([])

    /// - Parameter learned: The channel on which changes of documents are published.
    init(_ keys: [PoolKeys], learned: String, staleLife: Duration, loop: any EventLoop) {
        self.keys = keys
        self.learned = learned
        self.staleLife = staleLife
        self.loop = loop
        pools = Dictionary(keys.map { ($0.changes, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func handle(_ event: RedisEvent) {
        switch event {
        case .connected:
            cancel()
            broadcaster.publish([.everything])
            notices.publish()
        case .flushed:
            broadcaster.publish([.everything])
            notices.publish()
        case .disconnected:
            pending.withLock { pending in
                guard pending.isEmpty else { return }
                pending = [publish(.interrupted, in: Self.patience), publish(.everything, in: staleLife)]
            }
        case .message(learned, _):
            notices.publish()
        case .message(let channel, let payload):
            guard let pool = pools[channel] else { return }
            broadcaster.publish([change(in: pool, ChangeMessage.decode(payload))])
        case .invalidated(let names):
            broadcaster.publish(names.compactMap { change(ofKey: $0) })
        }
    }

    /// Looks up a replica, in such a way that what the servers say about its key from then on is passed on.
    ///
    /// - Parameter hash: Of the artifact's name.
    func knowing<Value>(
        _ id: ReplicaID, hash: String, isKept: (Value) -> Bool, _ ask: () async throws -> Value
    ) async throws -> Value {
        known.begin(id, hash: hash)
        var value: Value?
        defer { known.end(id, hash: hash, isKept: value.map(isKept) ?? false) }
        let answer = try await ask()
        value = answer
        return answer
    }

    /// The same for several replicas.
    ///
    /// - Parameter ask: Returns as many values as there are replicas, in their order.
    func knowing<Value>(
        _ names: [(id: ReplicaID, hash: String)], isKept: (Value) -> Bool, _ ask: () async throws -> [Value]
    ) async throws -> [Value] {
        for name in names { known.begin(name.id, hash: name.hash) }
        var values: [Value] = []
        defer {
            for (index, name) in names.enumerated() {
                known.end(name.id, hash: name.hash, isKept: values.indices.contains(index) && isKept(values[index]))
            }
        }
        values = try await ask()
        return values
    }

    /// Ends the streams.
    func finish() {
        cancel()
        broadcaster.finish()
        notices.finish()
    }

    private func publish(_ change: ReplicaChange, in delay: Duration) -> Scheduled<Void> {
        loop.scheduleTask(in: .milliseconds(delay.wholeMilliseconds)) { [broadcaster] in broadcaster.publish([change]) }
    }

    private func cancel() {
        pending.withLock { pending in
            for task in pending { task.cancel() }
            pending = []
        }
    }

    /// A message that cannot be read may mean anything.
    private func change(in pool: PoolKeys, _ parts: [RedisValue]?) -> ReplicaChange {
        guard let parts, let name = parts.first?.string else { return .everything }
        if parts.count == 1, name.utf8.count == ArtifactURL.nameHashLength, !name.utf8.contains(UInt8(ascii: ":")) {
            return change(of: name, in: pool.pool)
        }
        // A known name need not be parsed.
        let hash = ArtifactURL.nameHash(of: name)
        guard let id = known.replica(hash, in: pool.pool) ?? pool.replica(ofURL: name) else { return .everything }
        do throws(StateError) {
            return .replica(id, try RecordFields(parts.dropFirst()).replica(id, hash: hash))
        } catch {
            return .everything
        }
    }

    private func change(ofKey key: String) -> ReplicaChange? {
        for pool in keys {
            if let hash = pool.hash(ofKey: key) { return change(of: hash, in: pool.pool) }
        }
        return nil
    }

    private func change(of hash: String, in pool: PoolID) -> ReplicaChange {
        known.replica(hash, in: pool).map { .stale($0) } ?? .staleName(hash, pool)
    }
}
