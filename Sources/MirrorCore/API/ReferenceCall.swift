/// `GET /v1/api-reference`: the routes below `/v1`, in the shape that clients of the original read.
///
/// - SeeAlso: `api-reference.json` of taskcluster-lib-api, and `docs/differences.md` for what goes beyond it.
package enum ReferenceCall {
    package struct Answer: Codable, Sendable, Equatable {
        /// The URL of the schema of this format.
        package var schema: String
        /// The version of this format.
        package var version: Int
        package var title: String
        package var description: String
        package var serviceName: String
        /// The URL that the routes of the entries are appended to.
        package var baseURL: String
        package var entries: [Entry]

        private enum CodingKeys: String, CodingKey {
            case version, title, description, serviceName, entries
            case schema = "$schema"
            case baseURL = "baseUrl"
        }

        package init(
            schema: String, version: Int, title: String, description: String, serviceName: String, baseURL: String, entries: [Entry]
        ) {
            self.schema = schema
            self.version = version
            self.title = title
            self.description = description
            self.serviceName = serviceName
            self.baseURL = baseURL
            self.entries = entries
        }
    }

    /// One route.
    package struct Entry: Codable, Sendable, Equatable {
        /// Always `function`.
        package var type: String
        /// `get`, `post` or `delete`.
        package var method: String
        /// The route after the base URL, with arguments as `<name>`.
        package var route: String
        /// Names of the arguments in the route, in its order.
        package var args: [String]
        /// Names of the parameters that the query may have.
        package var query: [String]
        package var name: String
        package var title: String
        package var description: String
        /// `stable` if the original has the route, too; otherwise `experimental`.
        package var stability: String
        /// Whether the call needs an admin token.
        package var admin: Bool

        package init(
            type: String, method: String, route: String, args: [String], query: [String], name: String, title: String,
            description: String, stability: String, admin: Bool
        ) {
            self.type = type
            self.method = method
            self.route = route
            self.args = args
            self.query = query
            self.name = name
            self.title = title
            self.description = description
            self.stability = stability
            self.admin = admin
        }
    }
}
