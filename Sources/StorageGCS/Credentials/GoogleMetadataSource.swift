import MirrorCore
import NIOHTTP1
import StorageCloud

/// The service account of the machine, or of the pod on it, from the metadata server of Google's cloud.
///
/// - SeeAlso: Compute Engine, "View and query VM metadata"; AIP-4115.
struct GoogleMetadataSource: CredentialsSource {
    let context: AccountContext

    let name = "metadata server"

    private static let timeout: Duration = .seconds(3)
    private static let hostVariable = "GCE_METADATA_HOST"
    private static let path = "/computeMetadata/v1/instance/service-accounts/default/"
    private static let flavor = (name: "Metadata-Flavor", value: "Google")

    /// What one look found out, when there is something to do about it.
    private struct Absence: Error {
        let reason: String
    }

    func look() async throws -> CredentialsFinding<GCSCredentials> {
        if context.environment["NO_GCE_CHECK"]?.lowercased() == "true" { return .absent("NO_GCE_CHECK is true") }
        let server = try server()
        var isReached = false
        do {
            // Most machines that get here are none of Google's: few attempts, and short ones.
            return .found(
                try await context.tokens.transport.attempts(2, pause: .milliseconds(500)) {
                    try await credentials(of: server, isReached: &isReached)
                })
        } catch let absence as Absence {
            return .absent(absence.reason)
        } catch let error as CredentialsError where !isReached && error.code == .unavailable {
            return .absent("\(error.message) (this is not a machine of Google's cloud)")
        }
    }

    /// - Parameter isReached: Set as soon as the server answers.
    private func credentials(of server: ArtifactURL, isReached: inout Bool) async throws -> GCSCredentials {
        let scopes = PercentCoding.encode(GoogleTokenService.scope)
        let answer = try await get("token?scopes=\(scopes)", server, isReached: &isReached)
        let grant = try GoogleTokenService.grant(answer, from: server, now: context.tokens.transport.clock.now)
        let email = try await get("email", server, isReached: &isReached).text
        // A pod without a service account has the name of its identity pool instead, and nothing can sign for that.
        guard Impersonation.isAccount(email), email.utf8.contains(UInt8(ascii: "@")) else {
            return GCSCredentials(.token(grant.token), signer: nil, expires: grant.expires, owner: "the machine's service account")
        }
        return GCSCredentials(
            .token(grant.token), signer: .service(try signing(for: email, grant.token)), expires: grant.expires, owner: email)
    }

    /// The account signs for itself, if it may create tokens for itself.
    private func signing(for email: String, _ token: String) throws(CredentialsError) -> BlobSigning {
        let hosts = context.hosts
        let address = try hosts.address(
            "\(hosts.address(of: "iamcredentials"))/v1/projects/-/serviceAccounts/\(email):signBlob", named: "the address of signBlob")
        return BlobSigning(account: email, address: address, token: token, delegates: [])
    }

    private func get(_ path: String, _ server: ArtifactURL, isReached: inout Bool) async throws -> CredentialsTransport.Answer {
        let url = try ArtifactURL.of(Self.hostVariable, "\(server.service)\(Self.path)\(path)")
        let answer = try await context.tokens.transport.answer(
            .GET, url, headers: [(Self.flavor.name, Self.flavor.value)], timeout: Self.timeout)
        // A server that does not know the request belongs to another cloud.
        guard answer.headers.first(name: Self.flavor.name) == Self.flavor.value else {
            throw Absence(reason: "\(server.service) is not Google's metadata server")
        }
        isReached = true
        switch answer.status {
        case 200: return answer
        case 404: throw Absence(reason: "the machine has no service account")
        default: throw CredentialsError(status: answer.status, of: server.service)
        }
    }

    private func server() throws(CredentialsError) -> ArtifactURL {
        try .of(Self.hostVariable, "http://\(context.environment.value(Self.hostVariable) ?? "169.254.169.254")/")
    }
}
