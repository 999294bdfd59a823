import MirrorCore
import NIOHTTP1
import StorageCloud

/// Microsoft Entra ID: tokens for applications that prove who they are.
struct EntraTokenService: Sendable {
    /// What proves it.
    enum Proof: Sendable {
        case secret(String)
        case certificate(ClientCertificate)
        /// A token of an issuer that the application trusts.
        case assertion(String)
    }

    /// An application.
    struct Client: Sendable, Hashable {
        var tenantID: String
        var clientID: String

        /// - Throws: `.invalid` if it could change the rest of the URL.
        init(tenantID: String, clientID: String, names: (tenantID: String, clientID: String)) throws(CredentialsError) {
            guard AzureIdentityName.isTenant(tenantID) else {
                throw CredentialsError(.invalid, "\(names.tenantID) is not a tenant's ID or domain")
            }
            guard AzureIdentityName.isClient(clientID) else { throw CredentialsError(.invalid, "\(names.clientID) is not a client ID") }
            self.tenantID = tenantID
            self.clientID = clientID
        }
    }

    let environment: [String: String]
    /// The host that issues the tokens of the pool's cloud, unless `AZURE_AUTHORITY_HOST` names another.
    let authority: String
    let transport: CredentialsTransport

    private static let timeout = Duration.seconds(10)
    private static let maxAttempts = 3
    /// The service itself, in every cloud.
    static let resource = "https://storage.azure.com/"

    func token(for client: Client, by proof: Proof) async throws -> AzureCredentials {
        let url = try address(of: client)
        return try await transport.attempts(Self.maxAttempts, pause: .milliseconds(800)) {
            var secret = ""
            let answer = try await transport.answerInTime { now in
                let evidence = try evidence(proof, of: client, to: url, at: now)
                secret = evidence.secret
                // AD FS, which has a different endpoint, takes resources instead of scopes.
                let scope = isFederationServer(client) ? ("resource", Self.resource) : ("scope", "\(Self.resource).default")
                let fields = [("grant_type", "client_credentials"), ("client_id", client.clientID), scope] + evidence.fields
                return try await transport.answer(
                    .POST, url, headers: [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")],
                    body: CredentialsTransport.form(fields), timeout: Self.timeout)
            }
            guard answer.status == 200 else {
                let said = TokenDocument.error(answer.body)
                throw CredentialsError(
                    status: answer.status, of: url.service, said: said, secrets: [secret],
                    isTransient: said?.code == "temporarily_unavailable")
            }
            do throws(CredentialsError) {
                let token = try TokenDocument.parse(answer.body, at: transport.clock.now)
                return AzureCredentials(token: token.text, of: "application \(client.clientID)", expires: token.expires)
            } catch {
                throw error.prefixed(url.service)
            }
        }
    }

    /// The fields that prove who asks, and the secret in them.
    private func evidence(
        _ proof: Proof, of client: Client, to url: ArtifactURL, at now: Timestamp
    ) throws(CredentialsError) -> (fields: [(String, String)], secret: String) {
        let assertion: String
        switch proof {
        case .secret(let secret): return ([("client_secret", secret)], secret)
        case .assertion(let given): assertion = given
        case .certificate(let certificate):
            assertion = try certificate.assertion(
                for: client.clientID, audience: url.description, algorithm: isFederationServer(client) ? .rs256 : .ps256,
                sendsChain: ["1", "true"].contains(environment.value("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")?.lowercased()), at: now)
        }
        let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return ([("client_assertion_type", type), ("client_assertion", assertion)], assertion)
    }

    // MARK: Where it is

    private func isFederationServer(_ client: Client) -> Bool { client.tenantID.lowercased() == "adfs" }

    func address(of client: Client) throws(CredentialsError) -> ArtifactURL {
        let named = environment.value("AZURE_AUTHORITY_HOST")
        let source = named == nil ? "the address of Entra ID" : "AZURE_AUTHORITY_HOST"
        var text = named ?? authority
        // Azure's SDKs accept a bare host, too.
        if !text.contains("://") { text = "https://\(text)" }
        let base = try ArtifactURL.of(source, text)
        guard base.path == "/", base.query == nil else { throw CredentialsError(.invalid, "\(source) has more than a host") }
        // Secrets are sent there.
        guard base.scheme == .https || LocalHost.isThisMachine(base.host) else {
            throw CredentialsError(.invalid, "\(source) leads to \(base.host) without TLS, which only a loopback address may")
        }
        let path = isFederationServer(client) ? "/adfs/oauth2/token" : "/\(client.tenantID)/oauth2/v2.0/token"
        return try ArtifactURL.of(source, base.service + path)
    }
}
