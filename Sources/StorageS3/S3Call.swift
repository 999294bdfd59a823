package import MirrorStorage
package import NIOCore
package import NIOHTTP1

/// One request to a bucket or an object of it, before it has an address and a signature.
package struct S3Call: Sendable {
    package enum Body: Sendable {
        case none
        case bytes([ByteBuffer])
        /// Is sent once: what fails then is not repeated here.
        case stream(ByteStream, length: Int64)
    }

    /// A bounded metric label without the service: `head`.
    package var name: String
    package var method: HTTPMethod
    /// The object's own name, not encoded; `nil` for the bucket.
    package var key: String?
    package var query: [(name: String, value: String?)]
    package var headers: [(name: String, value: String)]
    package var body: Body

    package init(
        _ name: String, _ method: HTTPMethod, key: String? = nil, query: [(name: String, value: String?)] = [],
        headers: [(name: String, value: String)] = [], body: Body = .none
    ) {
        self.name = name
        self.method = method
        self.key = key
        self.query = query
        self.headers = headers
        self.body = body
    }

    var mayRepeat: Bool {
        if case .stream = body { false } else { true }
    }
}

/// What the service answered.
package struct S3Answer: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    /// Its errors are ``StorageError``s.
    package var body: ByteStream
    /// When it is an answer that says why not; `body` is in memory then.
    package var failure: S3Failure?

    /// The body as a document.
    ///
    /// - Throws: What reading it throws; `.unavailable` when it is none, or one that says why not although the status is that of success: a service that
    ///   has begun its answer has no other way to say so.
    package func document(of call: String, bucket: String, subject: String, limit: Int = 1 << 20) async throws -> S3XML {
        let bytes = try await body.collect(upTo: limit)
        let document: S3XML
        do {
            document = try S3XML(parsing: bytes, limit: limit)
        } catch {
            throw StorageError(.unavailable, "the service's answer is \(error)", operation: "\(S3Provider.service).\(call)", cause: error)
        }
        guard document.name == "Error" else { return document }
        throw S3Failure(status: status, headers: headers, document: document).storageError(call: call, bucket: bucket, subject: subject)
    }
}
