package import MirrorCore
import StorageCloud

/// What requests to the service carry or are signed with. Its texts show neither a token nor a key.
package struct GCSCredentials: ExpiringCredentials {
    package enum Authorization: Sendable, Equatable {
        /// Sent with each request.
        case token(String)
        /// For the XML API alone.
        case keys(GCSKeys)
    }

    package let authorization: Authorization
    /// What signs addresses; `nil` where nothing can.
    let signer: URLSigner?
    /// When the service stops accepting them; `nil` if they do not expire.
    package let expires: Timestamp?
    /// The project that requests are charged to, if it is not the bucket's.
    package let quotaProject: String?
    /// Whose credentials these are, for users: an account's address, or a key's ID; `nil` if unknown.
    package let owner: String?

    init(
        _ authorization: Authorization, signer: URLSigner?, expires: Timestamp? = nil, quotaProject: String? = nil, owner: String? = nil
    ) {
        self.authorization = authorization
        self.signer = signer
        self.expires = expires
        self.quotaProject = quotaProject
        self.owner = owner
    }

    package init(keys: GCSKeys) {
        self.init(.keys(keys), signer: .keys(keys), owner: keys.accessID)
    }

    package var canSign: Bool { signer != nil }

    /// The token, if the credentials are one: the JSON API accepts nothing else.
    var token: String? {
        if case .token(let token) = authorization { token } else { nil }
    }
}

extension GCSCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        "GCSCredentials(\(owner ?? "a token")\(expires.map { ", until \($0.iso8601)" } ?? ""))"
    }

    package var debugDescription: String { description }

    // What `dump` and test failures print.
    package var customMirror: Mirror { Mirror(self, children: ["owner": owner ?? ""]) }
}
