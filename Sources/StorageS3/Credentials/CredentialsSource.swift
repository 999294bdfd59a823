/// One place where credentials may be set up.
protocol CredentialsSource: Sendable {
    /// For messages: `environment`.
    var name: String { get }

    /// - Throws: ``S3CredentialsError`` when credentials are set up here, but cannot be had; `CancellationError`.
    func look() async throws -> CredentialsFinding
}

enum CredentialsFinding: Sendable, Equatable {
    case found(S3Credentials)
    /// None are set up here; the reason is for people.
    case absent(String)
}
