import MirrorCore
import NIOHTTP1
import StorageCloud

/// The managed identity of a machine outside Azure that Azure Arc manages: `IDENTITY_ENDPOINT` and `IMDS_ENDPOINT`.
///
/// Its agent answers only callers that can read a file which it writes for each of them.
///
/// - SeeAlso: Azure Arc documentation, "Authenticate against Azure resources with Azure Arc-enabled servers".
struct ArcSource: CredentialsSource {
    let environment: [String: String]
    /// The client ID of a user-assigned identity, which these machines do not have.
    let clientID: String?
    let files: CredentialFiles
    let transport: CredentialsTransport

    let name = "Azure Arc"

    private static let timeout = Duration.seconds(5)
    private static let directory = "/var/opt/azcmagent/tokens/"
    /// Bytes.
    private static let maxKeyLength = 4_096

    func look() async throws -> CredentialsFinding<AzureCredentials> {
        guard environment.value("IMDS_ENDPOINT") != nil, let text = environment.value(ManagedIdentity.variable) else {
            return .absent("IDENTITY_ENDPOINT and IMDS_ENDPOINT are not both set")
        }
        guard clientID == nil else {
            throw CredentialsError(.unsupported, "a machine of Azure Arc has only a system-assigned identity; leave the client ID out")
        }
        let url = try ManagedIdentity.address(text, version: "2020-06-01", clientID: nil)
        return .found(
            try await transport.attempts(3, pause: .milliseconds(500)) {
                var answer = try await ask(url)
                if answer.status == 401, let challenge = answer.headers.first(name: "www-authenticate") {
                    answer = try await ask(url, key: try key(challenge))
                }
                return try ManagedIdentity.credentials(answer, from: url, clientID: nil, at: transport.clock.now)
            })
    }

    private func ask(_ url: ArtifactURL, key: String? = nil) async throws -> CredentialsTransport.Answer {
        var headers = [("Metadata", "true"), ("accept", "application/json")]
        if let key { headers.append(("authorization", "Basic \(key)")) }
        return try await transport.answer(.GET, url, headers: headers, timeout: Self.timeout)
    }

    /// The content of the file that the agent names.
    ///
    /// - Parameter challenge: `Basic realm=/var/opt/azcmagent/tokens/….key`
    /// - Throws: `.invalid`, also for any other file: its content would be sent.
    private func key(_ challenge: String) throws(CredentialsError) -> String {
        let scheme = "basic realm="
        let path = String(challenge.dropFirst(scheme.count)).replacing("\"", with: "")
        let file = path.dropFirst(Self.directory.count)
        guard challenge.lowercased().hasPrefix(scheme), path.hasPrefix(Self.directory), file.hasSuffix(".key"), !file.contains("/") else {
            throw CredentialsError(.invalid, "the agent does not name a key in \(Self.directory)")
        }
        let words = try files.text(path, of: "the agent's key").split(whereSeparator: \.isWhitespace)
        guard let key = words.first, words.count == 1, key.utf8.count <= Self.maxKeyLength, JSONFields.isToken(String(key)) else {
            throw CredentialsError(.invalid, "the agent's key \(path) is not a key")
        }
        return String(key)
    }
}
