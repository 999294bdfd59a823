import MirrorCore
package import MirrorStorage
import NIOCore
package import NIOHTTP1
package import StorageCloud

/// One request, before it has an address and a signature.
package struct GCSCall: Sendable {
    package typealias Body = CallBody

    /// What is asked.
    enum Place: Sendable {
        case bucket
        /// The object's own name, not encoded.
        case object(String)
        /// The JSON API: a path, encoded.
        case json(String)
        /// A resumable upload: path and query from the service, which work like credentials.
        case session(String)
    }

    /// A bounded metric label without the service: `head`.
    package var name: String
    package var method: HTTPMethod
    var place: Place
    package var query: [(name: String, value: String?)]
    package var headers: [(name: String, value: String)]
    package var body: Body
    /// Statuses besides those of success that are not failures.
    var expected: Set<Int> = []

    /// - Parameter key: The object's own name, not encoded; `nil` for the bucket.
    package init(
        _ name: String, _ method: HTTPMethod, key: String? = nil, query: [(name: String, value: String?)] = [],
        headers: [(name: String, value: String)] = [], body: Body = .none
    ) {
        self.init(name, method, at: key.map { .object($0) } ?? .bucket, query: query, headers: headers, body: body)
    }

    init(
        _ name: String, _ method: HTTPMethod, at place: Place, query: [(name: String, value: String?)] = [],
        headers: [(name: String, value: String)] = [], body: Body = .none
    ) {
        self.name = name
        self.method = method
        self.place = place
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// A call of the JSON API.
    ///
    /// - Parameter path: Its segments, not encoded.
    static func json(
        _ name: String, _ method: HTTPMethod, _ path: [String], query: [(name: String, value: String?)] = [], body: JSONValue? = nil
    ) -> GCSCall {
        let path = "/storage/v1/" + path.map { PercentCoding.encode($0) }.joined(separator: "/")
        var call = GCSCall(name, method, at: .json(path), query: query)
        if let body {
            call.headers.append(("content-type", "application/json"))
            call.body = .bytes([ByteBuffer(bytes: body.encoded)])
        }
        return call
    }

    var mayRepeat: Bool {
        if case .stream = body { false } else { true }
    }
}

extension WriteCondition {
    /// Cloud Storage, "Request preconditions": generation 0 means that there is no object.
    var headers: [(name: String, value: String)] {
        switch self {
        case .none: []
        case .absent: [("x-goog-if-generation-match", "0")]
        }
    }

    /// The same for the JSON API.
    var query: [(name: String, value: String?)] {
        switch self {
        case .none: []
        case .absent: [("ifGenerationMatch", "0")]
        }
    }
}

/// What the service answered.
package struct GCSAnswer: ServiceAnswer {
    package var status: Int
    package var headers: HTTPHeaders
    /// Its errors are ``StorageError``s.
    package var body: ByteStream
    /// Set if the answer is an error; then `body` is in memory.
    package var failure: GCSFailure?

    /// `nil` if it is missing or not a number.
    var generation: String? {
        headers.first(name: "x-goog-generation").flatMap { Int64(digits: $0) == nil ? nil : $0 }
    }
}
