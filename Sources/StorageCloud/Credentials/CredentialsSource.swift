/// A place where credentials may be set up.
package protocol CredentialsSource<Credentials>: Sendable {
    associatedtype Credentials: ExpiringCredentials

    /// For messages: `environment`.
    var name: String { get }

    /// - Throws: ``CredentialsError`` if credentials are set up here but cannot be obtained; `CancellationError`.
    func look() async throws -> CredentialsFinding<Credentials>
}

package enum CredentialsFinding<Credentials: ExpiringCredentials>: Sendable, Equatable {
    case found(Credentials)
    /// None are set up here; the reason is for messages.
    case absent(String)
}
