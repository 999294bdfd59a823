package import MirrorCore
package import MirrorNet
package import MirrorStorage

/// Sends requests to one bucket: adds the URL and the signature, and translates the service's errors.
///
/// Each client corrects some problems once, such as expired credentials or a wrong clock. The caller has to wait out throttling and temporary errors.
package protocol CloudClient<Credentials>: Sendable {
    associatedtype Call: ServiceCall
    associatedtype Failure: ServiceFailure
    associatedtype Credentials: ExpiringCredentials
    associatedtype Endpoint: ServiceEndpoint
    /// Distinguishes the versions of one object.
    associatedtype Version: Sendable, Hashable

    /// Its name.
    var bucket: String { get }
    var endpoint: Endpoint { get }
    var http: ServiceClient { get }
    var credentials: any CredentialsProvider<Credentials> { get }
    var clock: any MirrorClock { get }
    var clockOffset: ClockOffset { get }

    /// Sends a request and returns the service's answer, whatever its status.
    ///
    /// - Throws: As ``send(_:)`` if there is no answer.
    func answer(to call: Call) async throws -> ServiceAnswer<Failure>

    /// Translates the service's error for a call.
    func error(_ failure: Failure, _ call: Call) -> StorageError

    /// The URL of an object, without a signature.
    ///
    /// - Parameter base: Precedes the key in place of the bucket's own URL.
    func url(ofKey key: String, base: ArtifactURL?) -> String

    /// A URL at which everybody may read an object for a limited time.
    ///
    /// - Parameters:
    ///   - version: The object's version; `nil` for the newest.
    ///   - base: Precedes the key in place of the bucket's own URL.
    ///   - life: How long it works at least; limited by what the service allows.
    /// - Throws: `.permissionDenied` without credentials that can sign, or if they expire too soon.
    func signedURL(ofKey key: String, version: Version?, base: ArtifactURL?, life: Duration) async throws -> ObjectLocation
}

extension CloudClient {
    /// The time by the service's clock, as currently known.
    package var now: Timestamp { clockOffset.corrected(clock.now) }

    /// Sends a request and returns its successful answer.
    ///
    /// - Throws: ``StorageError`` for every other answer; errors of a streamed body, unchanged; `CancellationError`.
    package func send(_ call: Call) async throws -> ServiceAnswer<Failure> {
        let answer = try await answer(to: call)
        if let failure = answer.failure { throw error(failure, call) }
        return answer
    }

    /// Sends a request whose answer is a document.
    package func document(_ call: Call, limit: Int = 1 << 20) async throws -> XMLTree {
        try await document(in: send(call), to: call, limit: limit)
    }

    /// Parses the body of an answer as a document.
    ///
    /// - Parameter limit: Bytes.
    /// - Throws: Errors of reading it; `.unavailable` if it is not a document, or is an error document despite a status of success: once a
    ///   service has begun its answer, it has no other way to report an error.
    package func document(in answer: ServiceAnswer<Failure>, to call: Call, limit: Int = 1 << 20) async throws -> XMLTree {
        let bytes = try await answer.body.collect(upTo: limit)
        let document: XMLTree
        do {
            document = try XMLTree(parsing: bytes, limit: limit)
        } catch {
            throw Failure.errors.odd("the service's answer is \(error)", call.name)
        }
        guard document.name == "Error" else { return document }
        throw error(Failure(status: answer.status, headers: answer.headers, document: document), call)
    }

    package func currentCredentials(for call: String) async throws -> Credentials? {
        do {
            return try await credentials.credentials()
        } catch {
            throw Failure.errors.mapping(error, call: call)
        }
    }
}

extension ArtifactURL {
    /// The path of an object if this URL precedes the key, which is not encoded.
    package func path(before key: String) -> String { "\(path)\(path.hasSuffix("/") ? "" : "/")\(PercentCoding.encode(path: key))" }
}
