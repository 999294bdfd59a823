/// `DELETE /v1/purge/…`: the answer to a client that asks for more than 204 with `Prefer: return=representation` (RFC 7240 §4.2).
package enum PurgeCall {
    /// The value of the field `Prefer`.
    package static let preference = "return=representation"

    package struct Answer: Codable, Sendable, Equatable {
        /// The artifact's canonical URL.
        package var url: String
        /// The replicas that were removed; empty if there were none.
        package var removed: [Item]
        /// How many forms of the page at this URL were dropped; `nil` from an older mirror.
        package var pages: Int?

        package init(url: String, removed: [Item], pages: Int) {
            self.url = url
            self.removed = removed
            self.pages = pages
        }
    }

    package struct Item: Codable, Sendable, Equatable {
        /// `service/region`
        package var pool: String
        /// The state that the replica had: `present`, `pending` or `error`; ``removing`` if a removal was already in progress; ``forgotten``
        /// for an object without a record.
        package var state: String

        package init(pool: String, state: String) {
            self.pool = pool
            self.state = state
        }

        package static let removing = "removing"
        package static let forgotten = "forgotten"
    }
}
