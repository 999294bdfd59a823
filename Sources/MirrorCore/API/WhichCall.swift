/// `GET /v1/which?address=ADDRESS`: the pool for a client at an address whose request names none, and why it is that pool.
package enum WhichCall {
    package struct Answer: Codable, Sendable, Equatable {
        /// In canonical form.
        package var address: String
        /// `service/region`; `nil` when its clients are redirected to the origin.
        package var pool: String?
        /// `network`, `region`, `nearest` or `default`.
        package var reason: String
        /// The configured network that decided.
        package var network: String?
        /// `cloud/region`, whether that decided or not; `nil` when it is not known.
        package var region: String?
        /// What is known of the clouds' regions.
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

    /// The addresses of one cloud, as it published them.
    package struct List: Codable, Sendable, Equatable {
        package var cloud: String
        /// How many prefixes it names a region for.
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
