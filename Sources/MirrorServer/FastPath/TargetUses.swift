import MirrorCore
import MirrorEngine
import MirrorState

/// Records uses of replicas for requests that are answered from memory, which keeps the request's target and not the artifact's name.
struct TargetUses: Sendable {
    let recorder: UseRecorder
    private let services: MirrorServices?
    /// The services' own, at hand for each answer.
    private let log: RedirectLog?

    /// - Parameter services: `nil` if nothing is answered from memory.
    init(recorder: UseRecorder, services: MirrorServices? = nil) {
        self.recorder = recorder
        self.services = services
        log = services?.redirects.redirectLog
    }

    /// Whether a use at `now` is to be written: that is done only once in a while.
    func isDue(_ now: Timestamp, lastUsed: Timestamp) -> Bool { recorder.isDue(now, lastUsed: lastUsed) }

    /// Whether each use is logged.
    var areLogged: Bool { log?.isOn ?? false }

    /// - Parameter lastUsed: `nil` for a use that is only logged.
    /// - Parameter client: For the log; `nil` if it is not known.
    func record(
        _ target: HotTarget, in pool: PoolID, bytes: Int64, lastUsed: Timestamp?, by client: ClientNetwork?, isHead: Bool,
        at now: Timestamp
    ) {
        guard let services, let artifact = artifact(of: target, services) else { return }
        if let lastUsed { recorder.record(ReplicaID(artifact: artifact, pool: pool), bytes: bytes, lastUsed: lastUsed) }
        if !isHead { log?.record(artifact, in: pool, bytes: bytes, .hit, for: [.init(client: client, duration: .zero)], at: now) }
    }

    private func artifact(of target: HotTarget, _ services: MirrorServices) -> ArtifactURL? {
        let words = String(decoding: target.words, as: UTF8.self)
        guard target.isRedirect else { return try? services.artifact(words).source.name }
        let path = try? RequestTarget("\(HotTarget.route)" + words, behind: "\(HotTarget.route)")
        return path.flatMap { try? services.redirects.resolve($0.url).source.name }
    }
}
