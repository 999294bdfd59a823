import MirrorCore
import MirrorSettings

extension UpstreamCredentials {
    /// The header fields that carry them.
    ///
    /// - Parameter client: The client's own `Authorization`.
    func fields(client: Secret?) -> [(name: String, value: String)] {
        switch self {
        case .none: []
        case .field(let name, let value): [(name, value.value)]
        case .basic(let user, let password): [("Authorization", "Basic \(Base64.encode(Array("\(user):\(password.value)".utf8)))")]
        case .bearer(let token): [("Authorization", "Bearer \(token.value)")]
        case .client: client.map { [("Authorization", $0.value)] } ?? []
        }
    }
}
