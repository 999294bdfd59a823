package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
package import StorageCloud
import Synchronization

/// Sends requests to one bucket: address, signature, the service's errors in our words.
///
/// What can be put right is put right once, and remembered: another region, a clock that is off, credentials that have ended, parts that the service
/// does not take (``S3Quirk``). Throttling and passing failures are the caller's to wait out.
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

    /// - Parameter quirks: Shared by everybody who talks to the same endpoint.
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

    /// Where the bucket is known to be by now.
    package var endpoint: S3Endpoint { state.withLock { $0.endpoint } }

    /// Now, by the service's clock as far as it is known.
    var now: Timestamp { clockOffset.corrected(clock.now) }

    /// Whether bodies in memory get a CRC32C beside them: over TLS, where the signature does not cover them.
    var sendsChecksums: Bool { endpoint.scheme == .https }

    /// Sends a request and returns the answer that it was done.
    ///
    /// - Throws: ``StorageError`` for every other answer; what a streamed body threw, unchanged; `CancellationError`.
    package func send(_ call: S3Call) async throws -> S3Answer {
        let answer = try await answer(to: call)
        if let failure = answer.failure { throw error(failure, call) }
        return answer
    }

    /// Sends a request whose answer is a document.
    package func document(_ call: S3Call, limit: Int = 1 << 20) async throws -> XMLTree {
        try await document(in: send(call), to: call, limit: limit)
    }

    /// The body of an answer as a document.
    ///
    /// - Throws: What reading it throws; `.unavailable` when it is none, or one that says why not although the status is that of success: a
    ///   service that has begun its answer has no other way to say so.
    func document(in answer: S3Answer, to call: S3Call, limit: Int = 1 << 20) async throws -> XMLTree {
        let document = try await answer.document(of: call.name, limit: limit, errors: .s3)
        guard document.name == "Error" else { return document }
        throw error(S3Failure(status: answer.status, headers: answer.headers, document: document), call)
    }

    /// Sends a request and returns what the service answers, whatever the status.
    ///
    /// - Throws: As ``send(_:)`` where there is no answer.
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
                // The stream is gone, but the next one will get through.
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

    /// What the service said to a call, in the words of object stores.
    func error(_ failure: S3Failure, _ call: S3Call) -> StorageError {
        failure.storageError(call: call.name, bucket: bucket, subject: subject(of: call))
    }

    // MARK: Locations

    /// The address of an object, without a signature.
    ///
    /// - Parameter base: What stands in front of the key in place of the bucket's own address.
    package func url(ofKey key: String, base: ArtifactURL? = nil) -> String {
        let encoded = PercentCoding.encode(path: key)
        if let base { return "\(base.service)\(base.folder)\(encoded)" }
        let endpoint = endpoint
        let address = endpoint.address(bucket: bucket)
        return "\(endpoint.scheme.rawValue)://\(address.hostField)\(address.pathPrefix)\(encoded)"
    }

    /// An address of an object at which everybody may read it for a while.
    ///
    /// - Parameters:
    ///   - version: Of the object; `nil` for the newest.
    ///   - base: What stands in front of the key in place of the bucket's own address.
    ///   - life: How long it works at least; cut to what the service allows and to the credentials' life, less a minute.
    /// - Throws: `.permissionDenied` without credentials, or with some that end within a minute.
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
        // The signer corrects the time once more.
        let target = signer.presignedTarget(request, life: validity.life, at: time + now.duration(to: validity.start))
        return ObjectLocation(
            url: "\(scheme.rawValue)://\(request.host)\(target)", expires: time + now.duration(to: validity.end))
    }

    /// Presigned addresses stay the same for this long, whichever node signs them.
    private static let window = SigningWindow()
    /// What a presigned address ends before its credentials do.
    private static let credentialMargin: Duration = .seconds(60)
}

extension ArtifactURL {
    /// The path with a slash at its end.
    fileprivate var folder: String { path.hasSuffix("/") ? path : "\(path)/" }
}
