import MirrorCore
import StorageCloud

/// What is needed to make a token of what an account has.
struct AccountContext: Sendable {
    let hosts: GoogleHosts
    let tokens: GoogleTokenService
    let environment: [String: String]
    let files: CredentialFiles
}

/// An account as a document describes it.
protocol GoogleAccount: Sendable {
    /// Asks for a token.
    ///
    /// - Throws: ``CredentialsError``; `CancellationError`.
    func load(_ context: AccountContext) async throws -> GCSCredentials
}
