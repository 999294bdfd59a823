import MirrorCore
import MirrorTracing

extension MirrorSpan {
    /// States what a request for an artifact got.
    func describe(_ answer: RedirectAnswer, _ artifact: ArtifactURL, _ pool: PoolID?) {
        set("cloud_mirror.artifact", "\(artifact.redacted)")
        if let pool { set("cloud_mirror.pool", "\(pool)") }
        set("cloud_mirror.outcome", "\(answer.outcome.rawValue)")
        switch answer {
        case .origin(let reason): set("cloud_mirror.fallback", "\(reason.rawValue)")
        case .hop(let number): set("cloud_mirror.hop", .integer(Int64(number)))
        case .replica, .description, .refused, .originStatus: break
        }
    }
}
