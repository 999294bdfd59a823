/// A fault of a server that plays a cloud: which requests it is for, and what happens to them. What is `nil` is left to the server.
///
/// - SeeAlso: `scripts/cloud-servers/web/faults.py`, which says what each means.
package struct CloudFault: Encodable, Sendable {
    package struct Field: Encodable, Sendable {
        package let name: String
        package let contains: String

        package init(_ name: String, contains: String = "") {
            self.name = name
            self.contains = contains
        }
    }

    // MARK: Which requests

    /// What the decoded path and query contain. Tests share the server, so it is the name of a bucket of the test's own.
    package let path: String
    package var method: String?
    package var header: Field?
    /// Requests that pass before.
    package var skip: Int?
    /// Requests that it is for; without it all of them.
    package var count: Int?
    /// The share of them, drawn with `seed`.
    package var fraction: Double?
    package var seed: Int?

    // MARK: What happens

    package var status: Int?
    /// Seconds.
    package var retryAfter: Int?
    package var code: String?
    /// Bytes of the request's body.
    package var breakRequestAfter: Int?
    /// Bytes of the answer's body.
    package var breakAfter: Int?
    package var dropAnswer: Bool?
    package var wrongChecksum: Bool?
    package var corrupt: Bool?
    package var noRange: Bool?
    /// Seconds that the server's clock is ahead.
    package var clockOffset: Int?
    /// Bytes of one call of a copy between buckets.
    package var rewriteBytes: Int?
    /// Entries of a page of a listing, at most.
    package var pageSize: Int?

    package init(_ path: String, _ change: (inout CloudFault) -> Void) {
        self.path = path
        change(&self)
    }
}
