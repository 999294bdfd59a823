import Logging
import MirrorCore
import NIOHTTP1
import StorageCloud
import Synchronization

/// The corrections during one call. Each kind is made only once, so that a service that contradicts itself does not cause endless attempts.
struct S3Corrections {
    enum Kind {
        case region, clock, credentials
    }

    fileprivate var tried: Set<Kind> = []
    /// The endpoint before the service named another region.
    fileprivate var moved: S3Endpoint?
}

extension S3Client {
    /// - Returns: Whether another attempt may succeed.
    func correct(_ failure: S3Failure, _ attempt: Attempt, _ corrections: inout S3Corrections) -> Bool {
        if let region = failure.region, Self.mayBeElsewhere(failure), region != endpoint.region, let moved = endpoint.moved(to: region),
            corrections.tried.insert(.region).inserted
        {
            corrections.moved = endpoint
            state.withLock { $0.endpoint = moved }
            return true
        }
        switch failure.code {
        case "RequestTimeTooSkewed":
            guard corrections.tried.insert(.clock).inserted else { return false }
            if let date = attempt.answer.headers.first(name: "date"), clockOffset.learn(date: date, at: clock.now) {
                logger.warning(
                    "this machine's clock is off; requests are signed with the service's time from now on",
                    metadata: ["bucket": "\(bucket)", "offset_seconds": .stringConvertible(clockOffset.value)])
            }
            // Another request may have learnt it first.
            return clockOffset.value != attempt.clockOffset
        case "ExpiredToken", "TokenRefreshRequired":
            guard let used = attempt.credentials, corrections.tried.insert(.credentials).inserted else { return false }
            credentials.invalidate(used)
            logger.info("the service refused credentials as expired; requesting new ones", metadata: ["bucket": "\(bucket)"])
            return true
        default: return false
        }
    }

    /// Whether the answer may mean that the bucket is in another region.
    private static func mayBeElsewhere(_ failure: S3Failure) -> Bool {
        switch failure.status {
        case 301, 307, 308: true
        case 400 where failure.code.isEmpty || failure.code == "BadRequest": true
        default: S3Failure.regionCodes.contains(failure.code)
        }
    }

    /// Called when the call succeeded with the corrections.
    func confirm(_ corrections: S3Corrections) {
        guard corrections.moved != nil else { return }
        let region = endpoint.region
        logger.warning(
            "the bucket is in a different region than configured; using that region from now on",
            metadata: ["bucket": "\(bucket)", "region": "\(region)", "configure": "region: \(region)"])
    }

    /// Called when the call failed despite the corrections: reverts a change of region that did not help.
    func takeBack(_ corrections: S3Corrections, _ failure: S3Failure) {
        guard let before = corrections.moved, Self.mayBeElsewhere(failure) || failure.refusesCredentials else { return }
        state.withLock { $0.endpoint = before }
    }

    func leaveOut(_ quirk: S3Quirk, because failure: S3Failure) {
        quirks.refuse(quirk, reason: failure.described, at: clock.instant)
        logger.warning(
            "the service rejects an optional part of a request; leaving it out for some hours",
            metadata: [
                "bucket": "\(bucket)", "endpoint": "\(endpoint.url)", "what": "\(quirk.words)", "instead": "\(quirk.substitute)",
                "reason": "\(failure.described)",
            ])
    }
}
