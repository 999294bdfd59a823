import Logging
import MirrorCore

extension RedirectService {
    func log(_ answer: RedirectAnswer, _ artifact: ArtifactURL, _ pool: PoolID?, requests: Int = 1) {
        let level: Logger.Level =
            switch answer {
            // Counted; the log has a line in a while (``ColdClaims``).
            case .hop, .origin(.budget): .debug
            case .description(let description) where description.outcome == .hit: .debug
            case .replica(let redirect) where redirect.outcome == .hit: .debug
            default: .info
            }
        guard logger.logLevel <= level else { return }
        var metadata: Logger.Metadata = ["artifact": "\(artifact.redacted)", "outcome": "\(answer.outcome.rawValue)"]
        if let pool { metadata["pool"] = "\(pool)" }
        if requests > 1 { metadata["requests"] = .stringConvertible(requests) }
        switch answer {
        case .origin(let reason): metadata["reason"] = "\(reason.rawValue)"
        case .originStatus(let status, _): metadata["status"] = .stringConvertible(status)
        case .refused(let message): metadata["reason"] = "\(message)"
        case .hop(let number): metadata["hop"] = .stringConvertible(number)
        case .replica, .description: break
        }
        logger.log(level: level, "redirect", metadata: metadata)
    }
}
