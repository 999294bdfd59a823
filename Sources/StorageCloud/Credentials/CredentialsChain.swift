import Synchronization

/// Looks for credentials in several places, in order.
///
/// The first place that has credentials is used from then on, so that the identity does not change because a file is missing for a
/// moment. A place with an invalid setup ends the search with its error.
package final class CredentialsChain<Credentials: ExpiringCredentials>: Sendable {
    private let sources: [any CredentialsSource<Credentials>]
    private let notFound: @Sendable (_ reasons: String) -> String
    /// The index of the source that had credentials.
    private let chosen = Mutex<Int?>(nil)

    /// - Parameter notFound: Makes the message that no place has credentials, and what to do, from all places and their reasons.
    package init(_ sources: [any CredentialsSource<Credentials>], notFound: @escaping @Sendable (_ reasons: String) -> String) {
        self.sources = sources
        self.notFound = notFound
    }

    /// - Throws: ``CredentialsError``, `.notFound` with all places and their reasons; `CancellationError`.
    package func load() async throws -> Credentials {
        if let index = chosen.withLock({ $0 }) {
            switch try await look(sources[index]) {
            case .found(let credentials): return credentials
            case .absent(let reason):
                throw CredentialsError(.unavailable, "\(sources[index].name), which had credentials before, no longer has any: \(reason)")
            }
        }
        var reasons: [String] = []
        for (index, source) in sources.enumerated() {
            switch try await look(source) {
            case .found(let credentials):
                chosen.withLock { $0 = index }
                return credentials
            case .absent(let reason): reasons.append("\(source.name): \(reason)")
            }
        }
        throw CredentialsError(.notFound, notFound(reasons.joined(separator: "; ")))
    }

    private func look(_ source: any CredentialsSource<Credentials>) async throws -> CredentialsFinding<Credentials> {
        try await CredentialsError.prefixing(source.name) { try await source.look() }
    }
}
