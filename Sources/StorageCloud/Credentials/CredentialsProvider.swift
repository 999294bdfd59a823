package import MirrorCore

/// Credentials that sign requests to a service, or are sent with them. Their descriptions never show a secret.
package protocol ExpiringCredentials: Sendable, Equatable {
    /// When the service stops accepting them; `nil` if they do not expire.
    var expires: Timestamp? { get }
    /// Whether clients can be given URLs that are signed with them.
    var canSign: Bool { get }
}

extension ExpiringCredentials {
    package var canSign: Bool { true }
}

/// Provides the credentials for requests to a service.
package protocol CredentialsProvider<Credentials>: Sendable {
    associatedtype Credentials: ExpiringCredentials

    /// The credentials to use now.
    ///
    /// - Returns: `nil` if requests are not to be signed.
    /// - Throws: ``CredentialsError``, or `CancellationError`.
    func credentials() async throws -> Credentials?

    /// Reports that the service refused these credentials as expired, so that the next call fetches newer ones.
    ///
    /// Does nothing if there are newer ones already.
    func invalidate(_ refused: Credentials)

    /// Ends requests in progress; no credentials are returned afterwards.
    func shutdown() async
}

extension CredentialsProvider {
    package func invalidate(_ refused: Credentials) {}
    package func shutdown() async {}
}

/// Credentials from the configuration, or none at all.
package struct StaticCredentials<Credentials: ExpiringCredentials>: CredentialsProvider {
    /// For buckets that allow access to everybody.
    package static var anonymous: StaticCredentials { StaticCredentials(held: nil) }

    private let held: Credentials?

    package func credentials() async throws -> Credentials? { held }
}

extension StaticCredentials {
    package init(_ credentials: Credentials) {
        self.init(held: credentials)
    }
}
