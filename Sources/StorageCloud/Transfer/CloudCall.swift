package import NIOHTTP1

/// One request to a cloud's service, before it has a URL and a signature.
package struct CloudCall<Place: Sendable>: Sendable {
    /// A bounded metric label without the service: `head`.
    package var name: String
    package var method: HTTPMethod
    /// Where it is sent.
    package var place: Place
    /// Not encoded.
    package var query: [(name: String, value: String?)]
    /// Fields of the content, conditions and the service's own fields; nothing that identifies the caller.
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
}
