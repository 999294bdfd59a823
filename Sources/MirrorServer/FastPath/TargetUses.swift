import MirrorCore
import MirrorEngine
import MirrorState

/// Records uses of replicas for requests that are answered from memory, which keeps the request's target and not the artifact's name.
struct TargetUses: Sendable {
    let recorder: UseRecorder
    /// `nil` if nothing is answered from memory.
    var redirects: RedirectService?

    /// Whether a use at `now` is to be written: that is done only once in a while.
    func isDue(_ now: Timestamp, lastUsed: Timestamp) -> Bool { recorder.isDue(now, lastUsed: lastUsed) }

    func record(_ target: HotTarget, in pool: PoolID, lastUsed: Timestamp) {
        let path = "\(HotTarget.route)" + String(decoding: target.words, as: UTF8.self)
        guard target.isRedirect, let words = try? RequestTarget(path, behind: "\(HotTarget.route)"),
            let origin = try? redirects?.resolve(words.url)
        else { return }
        recorder.record(ReplicaID(artifact: origin.source.name, pool: pool), lastUsed: lastUsed)
    }
}
