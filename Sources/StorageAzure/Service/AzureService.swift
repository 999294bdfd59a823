package import MirrorCore
import MirrorNet
package import MirrorSettings
package import MirrorStorage
import StorageCloud

/// Pools and origins in containers of Azure Blob Storage: `azure/…`.
package struct AzureService: StorageService {
    /// The service's name in pool names, errors and metrics.
    package static let name = "azure"
    /// The version of the protocol: it is sent with each request, and part of signed URLs, whose format depends on it.
    static let version = "2023-11-03"

    package static let poolDocumentation = PoolDocumentation(
        region: "westeurope",
        doc:
            "A container in Azure Blob Storage. `cloud-mirror pools apply` creates containers and prints what else has to be done; "
            + "`pools check` reports what is wrong with one.")
    package static let capabilities: [(variant: String?, capabilities: StoreCapabilities)] = BucketAccess.allCases.map {
        ($0.rawValue, AzureStore.capabilities($0))
    }
    package static let originDocumentation: OriginDocumentation? = OriginDocumentation(
        type: "list of {account, container, endpoint, credentials}",
        example: "[{account: myartifacts, container: releases}]",
        doc:
            "Containers of Azure Blob Storage that artifacts are read from with credentials. Clients use `https://` URLs, with or without "
            + "a SAS; no `allow` rule is needed for them. The settings are those of an Azure pool. Pools of the same service copy from "
            + "these containers server-side.")
    package static var permissions: String? { AzurePermissions.markdown() }

    /// Everything that needs the same credentials for the same account shares them.
    private struct Place: Hashable {
        let endpoint: AzureEndpoint
        let settings: AzureCredentialSettings
    }

    /// Shared by all containers of an account that are reached with the same credentials.
    private struct Shared {
        let credentials: any CredentialsProvider<AzureCredentials>
        let delegation: AzureDelegationKeys
        let clockOffset: ClockOffset
    }

    private let http: ServiceClient
    private let shared: [Place: Shared]
    private let environment: ServiceEnvironment

    package init(pools: [AzurePoolSettings], origins: [AzureContainerSettings], environment: ServiceEnvironment) {
        self.environment = environment
        // A copy that the service makes itself may be silent for as long as it takes to read a block.
        let http = environment.makeClient(minimumIdleTimeout: .seconds(120))
        self.http = http
        var shared: [Place: Shared] = [:]
        for container in origins + pools.map(\.container) {
            let place = Place(endpoint: container.endpoint, settings: container.credentials)
            guard shared[place] == nil else { continue }
            let credentials = AzureCredentialsChain.provider(
                for: place.settings, of: place.endpoint, client: http, clock: environment.clock, logger: environment.logger)
            let clockOffset = ClockOffset()
            shared[place] = Shared(
                credentials: credentials,
                delegation: AzureDelegationKeys(
                    endpoint: place.endpoint, credentials: credentials, http: http, clock: environment.clock, clockOffset: clockOffset,
                    logger: environment.logger),
                clockOffset: clockOffset)
        }
        self.shared = shared
    }

    package func close() async {
        for held in shared.values {
            await held.delegation.shutdown()
            await held.credentials.shutdown()
        }
        await http.shutdown()
    }

    // MARK: Pools

    package static func readPool(_ section: SettingsReader, of pool: PoolID) -> AzurePoolSettings? { .read(section) }

    package static func hasListPrices(_ pool: AzurePoolSettings) -> Bool { pool.container.endpoint.cloud != nil }

    package func open(_ pool: AzurePoolSettings, as description: PoolDescription) -> any ObjectStore {
        let held = held(for: pool.container)
        return AzureStore(
            configuration: configuration(of: pool), http: http, clock: environment.clock, clockOffset: held?.clockOffset ?? ClockOffset(),
            logger: environment.logger)
    }

    package func setup(of pool: AzurePoolSettings, as description: PoolDescription) -> (any StorageSetup)? {
        AzurePoolSetup(
            configuration: configuration(of: pool), retention: description.timeToLive,
            credentialsSource: pool.container.credentials.words, http: http, clock: environment.clock, logger: environment.logger)
    }

    private func configuration(of pool: AzurePoolSettings) -> AzureConfiguration {
        let held = held(for: pool.container)
        var configuration = AzureConfiguration(
            container: pool.container.name, endpoint: pool.container.endpoint, reading: pool.reading,
            credentials: held?.credentials ?? StaticCredentials<AzureCredentials>.anonymous, delegation: held?.delegation)
        configuration.pullsURLs = pool.pullsURLs
        return configuration
    }

    /// - Returns: There is one for each configured container; no other container gets here.
    private func held(for container: AzureContainerSettings) -> Shared? {
        shared[Place(endpoint: container.endpoint, settings: container.credentials)]
    }

    // MARK: Origins

    package static func readOrigin(_ section: SettingsReader) -> AzureContainerSettings? {
        .read(section, containers: .originContainerName, example: "releases")
    }

    package func origin(_ container: AzureContainerSettings) -> any BucketOrigin {
        let held = held(for: container)
        return AzureOrigin(
            container: container.name, endpoint: container.endpoint,
            credentials: held?.credentials ?? StaticCredentials<AzureCredentials>.anonymous, delegation: held?.delegation, http: http,
            clock: environment.clock, clockOffset: held?.clockOffset ?? ClockOffset(), logger: environment.logger)
    }
}
