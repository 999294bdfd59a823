import MirrorCore
import NIOHTTP1
import StorageCloud

/// The managed identity of App Service, Functions and Container Apps: `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`.
///
/// - SeeAlso: Azure App Service documentation, "How to use managed identities for App Service and Azure Functions".
struct AppServiceSource: CredentialsSource {
    let environment: [String: String]
    /// The client ID of a user-assigned identity; `nil` for the system-assigned one.
    let clientID: String?
    let transport: CredentialsTransport

    let name = "App Service"

    private static let timeout = Duration.seconds(5)

    func look() async throws -> CredentialsFinding<AzureCredentials> {
        guard let text = environment.value(ManagedIdentity.variable), let secret = environment.value("IDENTITY_HEADER") else {
            return .absent("IDENTITY_ENDPOINT and IDENTITY_HEADER are not both set")
        }
        if environment.value("IDENTITY_SERVER_THUMBPRINT") != nil {
            throw CredentialsError(.unsupported, "IDENTITY_SERVER_THUMBPRINT is set, as by Service Fabric, which is not supported")
        }
        // A line break would end the header field that it is sent in.
        guard secret.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CredentialsError(.invalid, "IDENTITY_HEADER contains a line break or another character that cannot be sent")
        }
        let url = try ManagedIdentity.address(text, version: "2019-08-01", clientID: clientID)
        return .found(
            try await transport.attempts(3, pause: .milliseconds(500)) {
                let answer = try await transport.answer(
                    .GET, url, headers: [("X-IDENTITY-HEADER", secret), ("accept", "application/json")], timeout: Self.timeout)
                return try ManagedIdentity.credentials(answer, from: url, clientID: clientID, at: transport.clock.now)
            })
    }
}

/// What the endpoints for managed identities have in common.
enum ManagedIdentity {
    static let variable = "IDENTITY_ENDPOINT"

    /// - Parameter text: The value of ``variable``.
    /// - Throws: `.invalid`, also for an address at which others could read what is sent.
    static func address(_ text: String, version: String, clientID: String?) throws(CredentialsError) -> ArtifactURL {
        let url = try ArtifactURL.of(variable, text).replacingQuery(with: query(version: version, clientID: clientID))
        guard url.scheme == .https || LocalHost.isThisMachine(url.host) || LocalHost.isLinkLocal(url.host) else {
            throw CredentialsError(
                .invalid, "\(variable) leads to \(url.host) without TLS, which only a loopback or link-local address may")
        }
        return url
    }

    static func query(version: String, clientID: String?) -> String {
        var query = "api-version=\(version)&resource=\(PercentCoding.encode(EntraTokenService.resource))"
        if let clientID { query += "&client_id=\(PercentCoding.encode(clientID))" }
        return query
    }

    static func credentials(
        _ answer: CredentialsTransport.Answer, from url: ArtifactURL, clientID: String?, at now: Timestamp
    ) throws(CredentialsError) -> AzureCredentials {
        guard answer.status == 200 else {
            throw CredentialsError(
                status: answer.status, of: url.service, said: TokenDocument.error(answer.body),
                isTransient: [404, 410].contains(answer.status))
        }
        do {
            let token = try TokenDocument.parse(answer.body, at: now)
            let name = clientID.map { "managed identity \($0)" } ?? "the system-assigned managed identity"
            return AzureCredentials(token: token.text, of: name, expires: token.expires)
        } catch {
            throw error.prefixed(url.service)
        }
    }
}
