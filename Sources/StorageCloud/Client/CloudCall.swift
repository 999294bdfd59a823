package import NIOHTTP1

/// One request to a bucket or to an object in it, before it has a URL and a signature.
package protocol ServiceCall: Sendable {
    /// A bounded metric label without the service: `head`.
    var name: String { get }
    /// Fields of the content, conditions and the service's own fields; nothing that identifies the caller.
    var headers: [(name: String, value: String)] { get set }

    /// - Parameter key: The object's own name, not encoded; `nil` for the bucket.
    /// - Parameter query: Not encoded.
    init(
        _ name: String, _ method: HTTPMethod, key: String?, query: [(name: String, value: String?)],
        headers: [(name: String, value: String)], body: CallBody)
}

/// The target of a request.
package protocol CallPlace: Sendable {
    static var bucket: Self { get }
    /// - Parameter key: The object's own name, not encoded.
    static func object(_ key: String) -> Self
}

/// One request to a service whose calls differ only in where they are sent.
package struct CloudCall<Place: CallPlace>: ServiceCall {
    package var name: String
    package var method: HTTPMethod
    package var place: Place
    package var query: [(name: String, value: String?)]
    package var headers: [(name: String, value: String)]
    package var body: CallBody
    /// Further statuses that are not failures.
    package var expected: Set<Int> = []

    package init(
        _ name: String, _ method: HTTPMethod, _ place: Place, query: [(name: String, value: String?)] = [],
        headers: [(name: String, value: String)] = [], body: CallBody = .none
    ) {
        self.name = name
        self.method = method
        self.place = place
        self.query = query
        self.headers = headers
        self.body = body
    }

    package init(
        _ name: String, _ method: HTTPMethod, key: String? = nil, query: [(name: String, value: String?)] = [],
        headers: [(name: String, value: String)] = [], body: CallBody = .none
    ) {
        self.init(name, method, key.map { .object($0) } ?? .bucket, query: query, headers: headers, body: body)
    }
}
