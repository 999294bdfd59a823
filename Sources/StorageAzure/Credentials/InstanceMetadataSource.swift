import MirrorCore
import NIOHTTP1
import StorageCloud

/// The managed identity of a virtual machine, from its instance metadata service.
///
/// - SeeAlso: Microsoft Entra documentation, "How to use managed identities for Azure resources on an Azure VM to acquire an access token".
struct InstanceMetadataSource: CredentialsSource {
    let environment: [String: String]
    /// The client ID of a user-assigned identity; `nil` for the system-assigned one.
    let clientID: String?
    let transport: CredentialsTransport

    let name = "instance metadata"

    private static let path = "/metadata/identity/oauth2/token"
    /// Most machines that get here are not Azure virtual machines, so the first attempt is short.
    private static let firstTimeout = Duration.seconds(1)
    private static let timeout = Duration.seconds(10)
    /// The service answers 410 while it is being updated, for up to 70 seconds. Requests that wait for credentials cannot wait that long.
    private static let maxAttempts = 4

    func look() async throws -> CredentialsFinding<AzureCredentials> {
        let url = try address()
        let probe: CredentialsTransport.Answer
        do {
            probe = try await ask(url, timeout: Self.firstTimeout)
        } catch let error as CredentialsError where error.code == .unavailable {
            return .absent("\(error.message) (this is not a virtual machine of Azure)")
        }
        do {
            return .found(try ManagedIdentity.credentials(probe, from: url, clientID: clientID, at: transport.clock.now))
        } catch {
            // The machine does not have this identity, or is not an Azure machine.
            if probe.status == 400 || probe.status == 403 { return .absent(error.message) }
            guard error.code.isTransient else { throw error }
        }
        return .found(
            try await transport.attempts(Self.maxAttempts, pause: .milliseconds(800)) {
                let answer = try await ask(url, timeout: Self.timeout)
                return try ManagedIdentity.credentials(answer, from: url, clientID: clientID, at: transport.clock.now)
            })
    }

    private func ask(_ url: ArtifactURL, timeout: Duration) async throws -> CredentialsTransport.Answer {
        try await transport.answer(.GET, url, headers: [("Metadata", "true"), ("accept", "application/json")], timeout: timeout)
    }

    private func address() throws(CredentialsError) -> ArtifactURL {
        let variable = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
        let base = try ArtifactURL.of(variable, environment.value(variable) ?? "http://169.254.169.254")
        guard LocalHost.isLinkLocal(base.host) || LocalHost.isThisMachine(base.host) else {
            throw CredentialsError(.invalid, "\(variable) leads to \(base.host), which is neither a loopback nor a link-local address")
        }
        let query = ManagedIdentity.query(version: "2018-02-01", clientID: clientID)
        return try ArtifactURL.of(variable, "\(base.service)\(Self.path)?\(query)")
    }
}
