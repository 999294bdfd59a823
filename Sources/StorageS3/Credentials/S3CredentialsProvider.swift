/// What has the credentials that requests are signed with.
package protocol S3CredentialsProvider: Sendable {
    /// The credentials to sign with now.
    ///
    /// - Returns: `nil` when requests are to stay unsigned.
    /// - Throws: ``S3CredentialsError``, or `CancellationError`.
    func credentials() async throws -> S3Credentials?

    /// Tells that the service refused these credentials as expired, so that the next call asks for newer ones.
    ///
    /// Nothing happens when newer ones are at hand already.
    func invalidate(_ refused: S3Credentials)

    /// Ends what is under way; nothing is given afterwards.
    func shutdown() async
}

extension S3CredentialsProvider {
    package func invalidate(_ refused: S3Credentials) {}
    package func shutdown() async {}
}

/// Credentials that stand in the configuration, or none at all.
package struct StaticS3Credentials: S3CredentialsProvider {
    /// For buckets that everybody may use.
    package static let anonymous = StaticS3Credentials(held: nil)

    private let held: S3Credentials?

    package init(_ credentials: S3Credentials) {
        self.init(held: credentials)
    }

    private init(held: S3Credentials?) {
        self.held = held
    }

    package func credentials() async throws -> S3Credentials? { held }
}
