import Logging
import MirrorCore

extension RedirectService {
    /// Strangers can have these lines as fast as they ask: at `info` there are only those that cost a wait, a claim of a budget, or trouble of the mirror's own, and
    /// of these no more than a budget allows.
    ///
    /// - Parameter hasWaited: Whether the answer was waited for (``hasWaited(_:_:)``).
    func log(_ answer: RedirectAnswer, _ artifact: ArtifactURL, _ pool: PoolID?, requests: Int = 1, hasWaited: Bool) {
        let level: Logger.Level =
            switch answer {
            // Counted; the log has a line in a while (``ColdClaims``).
            case .hop, .origin(.budget): .debug
            case .refused, .origin(.noPool), .origin(.share): .debug
            // The first who waited have a line of a failure, and those none to whom it is told while it is remembered.
            case .originStatus, .origin(.copyFailed), .origin(.timedOut): hasWaited ? .info : .debug
            case .description(let description) where description.outcome != .backfill: .debug
            case .replica(let redirect) where redirect.outcome == .hit: .debug
            case .replica(let redirect) where redirect.outcome == .wait: hasWaited ? .info : .debug
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
        if level < .info {
            logger.log(level: level, "redirect", metadata: metadata)
        } else {
            lines.log(level, "redirect", to: logger, metadata: metadata)
        }
    }

    /// Writes to the ``RedirectLog`` that artifacts were asked for. HEAD reads none, who hops comes again, and what is refused is no artifact of ours.
    func logUse(_ answer: RedirectAnswer, _ artifact: ArtifactURL, _ pool: PoolID?, requests: Int = 1, isHead: Bool) {
        guard redirectLog.isOn, !isHead, let pool else { return }
        switch answer {
        case .replica(let redirect):
            redirectLog.record(artifact, in: pool, bytes: redirect.object.size, answer.outcome, requests: requests, at: clock.now)
        case .origin, .originStatus:
            redirectLog.record(artifact, in: pool, bytes: nil, answer.outcome, requests: requests, at: clock.now)
        case .hop, .refused, .description: break
        }
    }

    /// Whether a request was kept waiting for a copy, or would have been for a second at least, going by what the mirror saw: the number of a hop is the
    /// client's own word.
    func hasWaited(_ time: RequestTime, _ wait: Wait) -> Bool {
        guard let waited = time.waited else { return false }
        return wait.before == .zero ? wait.limit >= .seconds(1) : waited - wait.before >= .seconds(1)
    }
}
