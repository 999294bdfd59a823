/// `GET /v1/replicas`, `/v1/replicas/{service}/{region}/{url}` and `/v1/replicas/{url}`: the replicas, by page or of one artifact.
package enum ReplicasCall {
    package struct Answer: Codable, Sendable, Equatable {
        package var replicas: [Item]
        /// The parameter `after` for the next page; `nil` on the last page.
        package var next: String?

        package init(replicas: [Item], next: String?) {
            self.replicas = replicas
            self.next = next
        }
    }

    /// One artifact in one pool.
    package struct Item: Codable, Sendable, Equatable {
        /// The artifact's canonical URL.
        package var url: String
        /// `service/region`
        package var pool: String
        /// `absent`, `pending`, `present` or `error`.
        package var state: String

        // Of present replicas only.

        /// Bytes.
        package var size: Int64?
        /// 64 hexadecimal digits; `nil` until it is known.
        package var sha256: String?
        /// The object's name in the pool.
        package var key: String?
        /// When the object was stored: RFC 3339, UTC, with milliseconds.
        package var stored: String?
        /// When the replica was last used, according to the record: RFC 3339, UTC, with milliseconds.
        package var lastUsed: String?
        /// `true` if it was found to be expired, otherwise `nil`. The next use clears the mark.
        package var expiring: Bool?

        /// Only for replicas whose state is `error`.
        package var error: Failure?

        /// Why it is kept or gone, in sentences; only if that was asked for, of a pool whose policy is `cost`.
        package var explanation: [String]?

        package init(url: String, pool: String, state: String) {
            self.url = url
            self.pool = pool
            self.state = state
        }
    }

    /// Why an artifact could not be copied.
    package struct Failure: Codable, Sendable, Equatable {
        /// A word: `origin`, `transfer`, `tooLarge`, …
        package var reason: String
        /// The origin's HTTP status, if that is the reason.
        package var status: Int?
        /// The reason in a sentence.
        package var message: String
        /// Until when the failure is remembered: RFC 3339, UTC, with milliseconds.
        package var retryAt: String

        package init(reason: String, status: Int?, message: String, retryAt: String) {
            self.reason = reason
            self.status = status
            self.message = message
            self.retryAt = retryAt
        }
    }
}
