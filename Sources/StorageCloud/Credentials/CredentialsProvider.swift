package import MirrorCore

/// What requests to a service are signed with, or carry. Their texts never show a secret.
package protocol ExpiringCredentials: Sendable, Equatable {
    /// When the service stops accepting them; `nil` for those that last.
    var expires: Timestamp? { get }
}

/// What has the credentials for requests to a service.
package protocol CredentialsProvider<Credentials>: Sendable {
    associatedtype Credentials: ExpiringCredentials

    /// The credentials to use now.
    ///
    /// - Returns: `nil` when requests are to stay unsigned.
    /// - Throws: ``CredentialsError``, or `CancellationError`.
    func credentials() async throws -> Credentials?

    /// Tells that the service refused these credentials as expired, so that the next call asks for newer ones.
    ///
    /// Nothing happens when newer ones are at hand already.
    func invalidate(_ refused: Credentials)

    /// Ends what is under way; nothing is given afterwards.
    func shutdown() async
}

extension CredentialsProvider {
    package func invalidate(_ refused: Credentials) {}
    package func shutdown() async {}
}

/// Credentials that stand in the configuration, or none at all.
package struct StaticCredentials<Credentials: ExpiringCredentials>: CredentialsProvider {
    /// For buckets that everybody may use.
    package static var anonymous: StaticCredentials { StaticCredentials(held: nil) }

    private let held: Credentials?

    package func credentials() async throws -> Credentials? { held }
}

extension StaticCredentials {
    package init(_ credentials: Credentials) {
        self.init(held: credentials)
    }
}
