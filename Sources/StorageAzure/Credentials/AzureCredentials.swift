package import MirrorCore
import StorageCloud

/// The credentials that sign requests to the service, or are sent with them. Descriptions never show a secret.
package struct AzureCredentials: ExpiringCredentials {
    package enum Kind: Sendable, Equatable {
        case key(SharedKey)
        case signature(AzureSASToken)
        /// Of Entra ID.
        case token(String)
    }

    package let kind: Kind
    /// Whose credentials these are, for users: `application 00000000-…`.
    package let name: String
    /// When the service stops accepting them; `nil` if they do not expire.
    package let expires: Timestamp?

    package var canSign: Bool {
        switch kind {
        case .key, .token: true
        case .signature: false
        }
    }

    package init(key: SharedKey) {
        kind = .key(key)
        name = "key of the account \(key.account)"
        expires = nil
    }

    package init(signature: AzureSASToken) {
        kind = .signature(signature)
        name = "SAS token"
        expires = signature.expires
    }

    package init(token: String, of name: String, expires: Timestamp) {
        kind = .token(token)
        self.name = name
        self.expires = expires
    }
}

extension AzureCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "AzureCredentials(\(name)\(expires.map { ", until \($0.iso8601)" } ?? ""))" }
    package var debugDescription: String { description }

    // What `dump` and test failures print.
    package var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}
