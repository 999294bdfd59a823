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
package final class S3Client: Sendable {
    package let bucket: String

    struct State {
        var endpoint: S3Endpoint
        var signer: S3Signer?
    }

    let quirks: S3ServiceQuirks
    let credentials: any CredentialsProvider<S3Credentials>
    let http: ServiceClient
    let clock: any MirrorClock
    let clockOffset = ClockOffset()
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

    /// The time by the service's clock, as currently known.
    var now: Timestamp { clockOffset.corrected(clock.now) }

    /// Whether bodies in memory are sent with a CRC32C: over TLS, where the signature does not cover them.
    var sendsChecksums: Bool { endpoint.scheme == .https }

    /// Sends a request and returns its successful answer.
    ///
    /// - Throws: ``StorageError`` for every other answer; errors of a streamed body, unchanged; `CancellationError`.
    package func send(_ call: S3Call) async throws -> S3Answer {
        let answer = try await answer(to: call)
        if let failure = answer.failure { throw error(failure, call) }
        return answer
    }

    /// Sends a request whose answer is a document.
    package func document(_ call: S3Call, limit: Int = 1 << 20) async throws -> XMLTree {
        try await document(in: send(call), to: call, limit: limit)
    }

    /// Parses the body of an answer as a document.
    ///
    /// - Throws: Errors of reading it; `.unavailable` if it is not a document, or is an error document despite a status of success: once a
    ///   service has begun its answer, it has no other way to report an error.
    func document(in answer: S3Answer, to call: S3Call, limit: Int = 1 << 20) async throws -> XMLTree {
        let document = try await answer.document(of: call.name, limit: limit, errors: .s3)
        guard document.name == "Error" else { return document }
        throw error(S3Failure(status: answer.status, headers: answer.headers, document: document), call)
    }

    /// Sends a request and returns the service's answer, whatever its status.
    ///
    /// - Throws: As ``send(_:)`` if there is no answer.
    package func answer(to call: S3Call) async throws -> S3Answer {
        logger.trace("asking the service", metadata: ["call": "\(call.name)", "bucket": "\(bucket)"])
        let call = offeringGuard(call)
        var trial = S3QuirkTrial(offered: call.extras.map(\.quirk).filter { !quirks.isRefused($0, at: clock.instant) })
        var corrections = S3Corrections()
        while true {
            let attempt = try await attempt(call, trial)
            var answer = attempt.answer
            guard let failure = answer.failure else {
                for (quirk, failure) in trial.succeeded() { leaveOut(quirk, because: failure) }
                confirm(corrections)
                return answer
            }
            if correct(failure, attempt, &corrections) {
                guard call.body.mayRepeat else { throw sentAgain(call, failure) }
                continue
            }
            takeBack(corrections, failure)
            guard call.body.mayRepeat else {
                // The stream has been consumed, but the next one will succeed without these additions.
                let suspects = answer.extras.filter { $0.mayBeMeant(by: failure) }
                guard !suspects.isEmpty else { return answer }
                for quirk in suspects { leaveOut(quirk, because: failure) }
                throw sentAgain(call, failure)
            }
            guard let refusal = trial.failed(failure) else { continue }
            answer.status = refusal.status
            answer.failure = refusal
            return answer
        }
    }

    private func sentAgain(_ call: S3Call, _ failure: S3Failure) -> StorageError {
        CloudErrors.s3.odd("\(subject(of: call)) has to be sent again (\(failure))", call.name)
    }

    /// `object a/b of the bucket c`
    private func subject(of call: S3Call) -> String {
        call.key.map { "object \($0) in the bucket \(bucket)" } ?? "bucket \(bucket)"
    }

    /// Translates the service's error for a call.
    func error(_ failure: S3Failure, _ call: S3Call) -> StorageError {
        failure.storageError(call: call.name, bucket: bucket, subject: subject(of: call))
    }

    // MARK: Locations

    /// The URL of an object, without a signature.
    ///
    /// - Parameter base: Precedes the key in place of the bucket's own URL.
    package func url(ofKey key: String, base: ArtifactURL? = nil) -> String {
        let encoded = PercentCoding.encode(path: key)
        if let base { return "\(base.service)\(base.folder)\(encoded)" }
        let endpoint = endpoint
        let address = endpoint.address(bucket: bucket)
        return "\(endpoint.scheme.rawValue)://\(address.hostField)\(address.pathPrefix)\(encoded)"
    }

    /// A URL at which everybody may read an object for a limited time.
    ///
    /// - Parameters:
    ///   - version: The object's version; `nil` for the newest.
    ///   - base: Precedes the key in place of the bucket's own URL.
    ///   - life: How long it works at least; limited by what the service allows, and by the credentials' expiry less one minute.
    /// - Throws: `.permissionDenied` without credentials, or if they expire within a minute.
    package func presignedURL(
        ofKey key: String, version: String? = nil, base: ArtifactURL? = nil, life: Duration
    ) async throws -> ObjectLocation {
        guard let credentials = try await currentCredentials(for: "location") else {
            throw CloudErrors.s3.error(
                .permissionDenied, "nothing can be signed without credentials: configure some, or make the access public", "location")
        }
        let (endpoint, signer) = signer(for: credentials)
        let encoded = PercentCoding.encode(path: key)
        let address = endpoint.address(bucket: bucket)
        let scheme = base?.scheme ?? endpoint.scheme
        let request = SignableRequest(
            method: "GET", host: base?.authority ?? address.hostField,
            path: (base?.folder ?? address.pathPrefix) + encoded,
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

extension ArtifactURL {
    /// The path with a trailing slash.
    fileprivate var folder: String { path.hasSuffix("/") ? path : "\(path)/" }
}
