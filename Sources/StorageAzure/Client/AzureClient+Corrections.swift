import Logging
import StorageCloud

/// What was put right in the course of one call: each kind once, so that a service that never agrees with itself keeps nobody busy.
struct AzureCorrections {
    enum Kind {
        case clock, credentials
    }

    fileprivate var tried: Set<Kind> = []
}

extension AzureClient {
    /// - Returns: Whether another attempt has a chance.
    func correct(_ failure: AzureFailure, _ attempt: Attempt, _ corrections: inout AzureCorrections) -> Bool {
        guard let used = attempt.credentials, failure.refusesCredentials else { return false }
        switch used.kind {
        case .key:
            // What is wrong with a signature is not said: it may be its time.
            guard failure.code == "AuthenticationFailed", attempt.isTimeNews, corrections.tried.insert(.clock).inserted else {
                return false
            }
            logger.info("a request is signed again with the service's time", metadata: ["account": "\(endpoint.account)"])
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
