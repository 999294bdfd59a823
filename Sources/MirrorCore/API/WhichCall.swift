/// `GET /v1/which?address=ADDRESS`: the pool for a client at an address whose request names none, and why it is that pool.
package enum WhichCall {
    package struct Answer: Codable, Sendable, Equatable {
        /// In canonical form.
        package var address: String
        /// `service/region`; `nil` if clients at the address are redirected to the origin.
        package var pool: String?
        /// `network`, `region`, `nearest` or `default`.
        package var reason: String
        /// The configured network that decided.
        package var network: String?
        /// `cloud/region`, whether or not it decided; `nil` if unknown.
        package var region: String?
        /// The lists that the clouds' regions are looked up in.
        package var lists: [List]

        package init(address: String, pool: String?, reason: String, network: String?, region: String?, lists: [List]) {
            self.address = address
            self.pool = pool
            self.reason = reason
            self.network = network
            self.region = region
            self.lists = lists
        }
    }

    /// The list of one cloud's addresses, as published.
    package struct List: Codable, Sendable, Equatable {
        package var cloud: String
        /// The number of prefixes that have a region.
        package var prefixes: Int
        /// When it was published or fetched.
        package var date: String

        package init(cloud: String, prefixes: Int, date: String) {
            self.cloud = cloud
            self.prefixes = prefixes
            self.date = date
        }
    }
}
