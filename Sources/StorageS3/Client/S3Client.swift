package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
package import StorageCloud
import Synchronization

/// Sends requests to one bucket: adds the URL and the signature, and translates the service's errors.
///
/// Some problems are corrected once and remembered: another region, a wrong clock, expired credentials, optional additions that the service
/// does not accept (``S3Quirk``). The caller has to wait out throttling and temporary errors.
package final class S3Client: CloudClient {
    package let bucket: String

    struct State {
        var endpoint: S3Endpoint
        var signer: S3Signer?
    }

    let quirks: S3ServiceQuirks
    package let credentials: any CredentialsProvider<S3Credentials>
    package let http: ServiceClient
    package let clock: any MirrorClock
    package let clockOffset = ClockOffset()
    let logger: Logger
    let state: Mutex<State>

    /// - Parameter quirks: Shared by all clients of the same endpoint.
    package init(
        bucket: String, endpoint: S3Endpoint, credentials: any CredentialsProvider<S3Credentials>,
        quirks: S3ServiceQuirks = S3ServiceQuirks(), http: ServiceClient, clock: any MirrorClock = SystemClock(), logger: Logger
    ) {
        self.bucket = bucket
        self.credentials = credentials
        self.quirks = quirks
        self.http = http
        self.logger = logger
        self.clock = clock
        state = Mutex(State(endpoint: endpoint))
    }

    /// The bucket's endpoint, as currently known.
    package var endpoint: S3Endpoint { state.withLock { $0.endpoint } }

    /// Whether bodies in memory are sent with a CRC32C: over TLS, where the signature does not cover them.
    var sendsChecksums: Bool { endpoint.scheme == .https }

    package func answer(to call: S3Call) async throws -> S3Answer { try await exchange(call).answer }

    /// Sends a request and returns its successful answer, with the optional additions that the request had.
    func sendOffering(_ call: S3Call) async throws -> (answer: S3Answer, extras: Set<S3Quirk>) {
        let attempt = try await exchange(call)
        if let failure = attempt.answer.failure { throw error(failure, call) }
        return (attempt.answer, attempt.extras)
    }

    /// - Returns: The last attempt.
    private func exchange(_ call: S3Call) async throws -> Attempt {
        logger.trace("asking the service", metadata: ["call": "\(call.name)", "bucket": "\(bucket)"])
        let call = offeringGuard(call)
        var trial = S3QuirkTrial(offered: call.extras.map(\.quirk).filter { !quirks.isRefused($0, at: clock.instant) })
        var corrections = S3Corrections()
        while true {
            var attempt = try await attempt(call, trial)
            guard let failure = attempt.answer.failure else {
                for (quirk, failure) in trial.succeeded() { leaveOut(quirk, because: failure) }
                confirm(corrections)
                return attempt
            }
            if correct(failure, attempt, &corrections) {
                guard call.body.mayRepeat else { throw sentAgain(call, failure) }
                continue
            }
            takeBack(corrections, failure)
            guard call.body.mayRepeat else {
                // The stream has been consumed, but the next one will succeed without these additions.
                let suspects = attempt.extras.filter { $0.mayBeMeant(by: failure) }
                guard !suspects.isEmpty else { return attempt }
                for quirk in suspects { leaveOut(quirk, because: failure) }
                throw sentAgain(call, failure)
            }
            guard let refusal = trial.failed(failure) else { continue }
            attempt.answer.status = refusal.status
            attempt.answer.failure = refusal
            return attempt
        }
    }

    private func sentAgain(_ call: S3Call, _ failure: S3Failure) -> StorageError {
        CloudErrors.s3.odd("\(subject(of: call)) has to be sent again (\(failure))", call.name)
    }

    /// `object a/b of the bucket c`
    private func subject(of call: S3Call) -> String {
        call.key.map { "object \($0) in the bucket \(bucket)" } ?? "bucket \(bucket)"
    }

    package func error(_ failure: S3Failure, _ call: S3Call) -> StorageError {
        failure.storageError(call: call.name, bucket: bucket, subject: subject(of: call))
    }

    // MARK: Locations

    package func url(ofKey key: String, base: ArtifactURL? = nil) -> String {
        if let base { return "\(base.service)\(base.path(before: key))" }
        let endpoint = endpoint
        let address = endpoint.address(bucket: bucket)
        return "\(endpoint.scheme.rawValue)://\(address.hostField)\(address.pathPrefix)\(PercentCoding.encode(path: key))"
    }

    /// Limited by the credentials' expiry less one minute, too.
    package func signedURL(
        ofKey key: String, version: String? = nil, base: ArtifactURL? = nil, life: Duration
    ) async throws -> ObjectLocation {
        guard let credentials = try await currentCredentials(for: "location") else {
            throw CloudErrors.s3.error(
                .permissionDenied, "nothing can be signed without credentials: configure some, or make the access public", "location")
        }
        let (endpoint, signer) = signer(for: credentials)
        let address = endpoint.address(bucket: bucket)
        let scheme = base?.scheme ?? endpoint.scheme
        let request = SignableRequest(
            method: "GET", host: base?.authority ?? address.hostField,
            path: base?.path(before: key) ?? address.pathPrefix + PercentCoding.encode(path: key),
            query: version.map { [("versionId", $0)] } ?? [])
        let time = clock.now
        let now = clockOffset.corrected(time)
        let validity = Self.window.validity(
            for: life, at: now, longest: S3Signer.presignedLives.upperBound,
            until: credentials.expires.map { $0 - Self.credentialMargin })
        guard let validity else {
            throw CloudErrors.s3.error(
                .permissionDenied, "the credentials expire before a client could use a URL: renew them", "location")
        }
        // The signer applies the clock correction itself.
        let target = signer.presignedTarget(request, life: validity.life, at: time + now.duration(to: validity.start))
        return ObjectLocation(
            url: "\(scheme.rawValue)://\(request.host)\(target)", expires: time + now.duration(to: validity.end))
    }

    /// Presigned URLs stay the same for this long, whichever node signs them.
    private static let window = SigningWindow()
    /// A presigned URL expires this long before its credentials do.
    private static let credentialMargin: Duration = .seconds(60)
}
