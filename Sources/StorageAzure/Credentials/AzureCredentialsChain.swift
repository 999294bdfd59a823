package import Logging
package import MirrorCore
package import MirrorNet
import MirrorSettings
package import StorageCloud

/// Looks for credentials where Azure's tools and SDKs look.
///
/// 1. the account itself in the environment, as for the Azure CLI: a connection string, a key, a SAS token;
/// 2. an application in the environment, with a secret or a certificate;
/// 3. workload identity;
/// 4. managed identity: of App Service, of a machine that Azure Arc manages, of a virtual machine.
package enum AzureCredentialsChain {
    /// What a provider of credentials needs besides the settings.
    struct Means: Sendable {
        var transport: CredentialsTransport
        /// The account that credentials are for.
        var account: String
        /// The host that issues tokens, unless the environment names another.
        var authority: String
        var environment: [String: String]
        var files: CredentialFiles

        var tokenService: EntraTokenService { EntraTokenService(environment: environment, authority: authority, transport: transport) }
    }

    /// The credentials of the settings, refreshed if they expire.
    package static func provider(
        for settings: AzureCredentialSettings, of endpoint: AzureEndpoint, client: ServiceClient,
        environment: [String: String] = .ofThisProcess, files: CredentialFiles = .system, clock: any MirrorClock = SystemClock(),
        logger: Logger
    ) -> any CredentialsProvider<AzureCredentials> {
        let means = Means(
            transport: CredentialsTransport(client: client, clock: clock), account: endpoint.account,
            authority: (endpoint.cloud ?? .global).authority, environment: environment, files: files)
        func refreshing(_ load: @escaping @Sendable () async throws -> AzureCredentials) -> RefreshingCredentials<AzureCredentials> {
            RefreshingCredentials(clock: clock, logger: logger, load: load)
        }
        switch settings {
        case .anonymous: return StaticCredentials<AzureCredentials>.anonymous
        case .key(let secret):
            // The settings were validated when they were read: this is base64.
            guard let key = SharedKey(account: endpoint.account, base64: secret.value) else {
                return StaticCredentials<AzureCredentials>.anonymous
            }
            return StaticCredentials(AzureCredentials(key: key))
        case .signature(let secret):
            guard let token = AzureSASToken(secret.value) else { return StaticCredentials<AzureCredentials>.anonymous }
            return StaticCredentials(AzureCredentials(signature: token))
        case .client(let tenantID, let clientID, let secret):
            return refreshing {
                let client = try EntraTokenService.Client(tenantID: tenantID, clientID: clientID, names: ("tenantID", "clientID"))
                return try await means.tokenService.token(for: client, by: .secret(secret.value))
            }
        case .certificate(let tenantID, let clientID, let file):
            return refreshing {
                let client = try EntraTokenService.Client(tenantID: tenantID, clientID: clientID, names: ("tenantID", "clientID"))
                return try await ApplicationSource.token(for: client, certificateAt: file, means.files, means.tokenService)
            }
        case .managedIdentity(let clientID):
            let chain = managedIdentity(means, clientID: clientID)
            return refreshing { try await chain.load() }
        case .chain:
            let chain = chain(means)
            return refreshing { try await chain.load() }
        }
    }

    static func chain(_ means: Means) -> CredentialsChain<AzureCredentials> {
        let environment = means.environment
        let account = AccountSource(environment: environment, account: means.account)
        let application = ApplicationSource(environment: environment, files: means.files, tokenService: means.tokenService)
        let workload = WorkloadIdentitySource(environment: environment, files: means.files, tokenService: means.tokenService)
        let first: [any CredentialsSource<AzureCredentials>] = [account, application, workload]
        let identities = identities(means, clientID: environment.value("AZURE_CLIENT_ID"))
        return CredentialsChain<AzureCredentials>(first + identities) { reasons in
            "none in the configuration, nor where Azure's tools look (\(reasons)); set them up in one of these places, or write "
                + "`credentials: anonymous` for a container that anyone may use"
        }
    }

    static func managedIdentity(_ means: Means, clientID: String?) -> CredentialsChain<AzureCredentials> {
        CredentialsChain<AzureCredentials>(identities(means, clientID: clientID)) { reasons in
            "this machine has no managed identity (\(reasons)); assign one, or configure other credentials"
        }
    }

    private static func identities(_ means: Means, clientID: String?) -> [any CredentialsSource<AzureCredentials>] {
        [
            AppServiceSource(environment: means.environment, clientID: clientID, transport: means.transport),
            ArcSource(environment: means.environment, clientID: clientID, files: means.files, transport: means.transport),
            InstanceMetadataSource(environment: means.environment, clientID: clientID, transport: means.transport),
        ]
    }
}
