import MirrorCore
import MirrorState
import NIOCore
import RedisClient
import Synchronization

/// From what the servers tell to the streams of changes. Works on the event loop.
///
/// While no server can be reached nothing is told: what is remembered is the best there is, until it is too old for that.
final class ChangeFeed: Sendable {
    let broadcaster = ChangeBroadcaster()
    private let pools: [String: PoolKeys]
    private let keys: [PoolKeys]
    private let staleLife: Duration
    private let loop: any EventLoop
    /// Tells that everything is too old; set while a connection is missing.
    private let limit = Mutex<Scheduled<Void>?>(nil)

    init(_ keys: [PoolKeys], staleLife: Duration, loop: any EventLoop) {
        self.keys = keys
        self.staleLife = staleLife
        self.loop = loop
        pools = Dictionary(keys.map { ($0.changes, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func handle(_ event: RedisEvent) {
        switch event {
        case .connected:
            limit.withLock { limit in
                limit?.cancel()
                limit = nil
            }
            broadcaster.publish([.everything])
        case .flushed:
            broadcaster.publish([.everything])
        case .disconnected:
            limit.withLock { limit in
                guard limit == nil else { return }
                limit = loop.scheduleTask(in: .milliseconds(staleLife.wholeMilliseconds)) { [broadcaster] in
                    broadcaster.publish([.everything])
                }
            }
        case .message(let channel, let payload):
            guard let pool = pools[channel] else { return }
            broadcaster.publish([change(in: pool, ChangeMessage.decode(payload))])
        case .invalidated(let names):
            broadcaster.publish(names.compactMap { name in replica(name).map { .stale($0) } })
        }
    }

    /// Ends the streams.
    func finish() {
        limit.withLock { limit in
            limit?.cancel()
            limit = nil
        }
        broadcaster.finish()
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
