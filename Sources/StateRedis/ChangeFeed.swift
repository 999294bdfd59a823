import MirrorCore
import MirrorState
import RedisClient

/// From what the servers tell to the streams of changes. Works on the event loop.
struct ChangeFeed: Sendable {
    let broadcaster = ChangeBroadcaster()
    private let pools: [String: PoolKeys]
    private let keys: [PoolKeys]

    init(_ keys: [PoolKeys]) {
        self.keys = keys
        pools = Dictionary(keys.map { ($0.changes, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func handle(_ event: RedisEvent) {
        switch event {
        case .connected, .flushed:
            broadcaster.publish([.everything])
        case .disconnected:
            // What is remembered is the best there is until then.
            break
        case .message(let channel, let payload):
            guard let pool = pools[channel] else { return }
            broadcaster.publish([change(in: pool, ChangeMessage.decode(payload))])
        case .invalidated(let names):
            broadcaster.publish(names.compactMap { name in replica(name).map { .stale($0) } })
        }
    }

    /// What cannot be read may be anything.
    private func change(in pool: PoolKeys, _ texts: [String]?) -> ReplicaChange {
        guard let texts, let url = texts.first, let id = pool.replica(ofURL: url) else { return .everything }
        do throws(StateError) {
            return .replica(id, try RecordFields(texts: texts.dropFirst().map { $0 }).replica(id))
        } catch {
            return .everything
        }
    }

    private func replica(_ key: String) -> ReplicaID? {
        for pool in keys {
            if let id = pool.replica(ofKey: key) { return id }
        }
        return nil
    }
}
