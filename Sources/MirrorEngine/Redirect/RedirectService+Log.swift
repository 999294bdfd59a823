import Logging
import MirrorCore

extension RedirectService {
    /// Strangers can cause these lines as fast as they send requests. So `info` has only answers that cost a wait or a claim, or show a problem of
    /// the mirror's own, and no more of them than a budget allows.
    ///
    /// - Parameter hasWaited: Whether the request waited for the answer (``hasWaited(_:_:)``).
    func log(_ answer: RedirectAnswer, _ artifact: ArtifactURL, _ pool: PoolID?, requests: Int = 1, hasWaited: Bool) {
        let level: Logger.Level =
            switch answer {
            // Counted; ``ColdClaims`` logs a line now and then.
            case .hop, .origin(.budget): .debug
            case .refused, .origin(.noPool), .origin(.share), .origin(.neverPays), .origin(.unlikelyToPay): .debug
            // Requests that waited for a failure have a line; requests that get it while it is remembered have none.
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
    func logUse(
        _ answer: RedirectAnswer, _ artifact: ArtifactURL, _ pool: PoolID?, for requests: [RedirectLog.Request], isHead: Bool
    ) {
        guard redirectLog.isOn, !isHead, let pool else { return }
        switch answer {
        case .replica(let redirect):
            redirectLog.record(artifact, in: pool, bytes: redirect.object.size, answer.outcome, for: requests, at: clock.now)
        case .origin, .originStatus:
            redirectLog.record(artifact, in: pool, bytes: nil, answer.outcome, for: requests, at: clock.now)
        case .hop, .refused, .description: break
        }
    }

    /// Whether a request waited for a copy: it was allowed to wait for at least a second or, after hops, has waited that long in this one. Only what
    /// the mirror itself saw counts, because the client states the number of the hop.
    func hasWaited(_ time: RequestTime, _ wait: Wait) -> Bool {
        guard let waited = time.waited else { return false }
        return wait.before == .zero ? wait.limit >= .seconds(1) : waited - wait.before >= .seconds(1)
    }
}
