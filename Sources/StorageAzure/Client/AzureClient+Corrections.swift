import Logging
import MirrorCore
import NIOHTTP1
import StorageCloud

/// What was put right in the course of one call: each kind once, so that a service that never agrees with itself keeps nobody busy.
struct AzureCorrections {
    enum Kind {
        case clock, credentials
    }

    fileprivate var tried: Set<Kind> = []
}

extension AzureClient {
    /// A difference that the service may hold against a request: it refuses those that are more than fifteen minutes off.
    private static let largeOffset: Duration = .seconds(300)

    /// - Returns: Whether another attempt has a chance.
    func correct(
        _ failure: AzureFailure, _ answer: AzureAnswer, carrying used: AzureCredentials?, _ corrections: inout AzureCorrections
    ) -> Bool {
        guard let used, failure.refusesCredentials else { return false }
        switch used.kind {
        case .key:
            // What is wrong with a signature is not said: it may be its time.
            guard failure.code == "AuthenticationFailed", corrections.tried.insert(.clock).inserted,
                let date = answer.headers.first(name: "date"),
                clockOffset.learn(date: date, at: clock.now, tolerance: Self.largeOffset)
            else { return false }
            logger.warning(
                "this machine's clock is off; requests are signed with the service's time from now on",
                metadata: ["account": "\(endpoint.account)", "offset_seconds": .stringConvertible(clockOffset.value)])
            return true
        case .token:
            guard corrections.tried.insert(.credentials).inserted else { return false }
            credentials.invalidate(used)
            logger.info("the service refused a token; requesting a new one", metadata: ["account": "\(endpoint.account)"])
            return true
        case .signature: return false
        }
    }
}
