package import MirrorCore
import MirrorNet
package import MirrorSettings
package import MirrorStorage
import StorageCloud

/// Pools and origins in buckets of Google Cloud Storage: `gcs/…`.
package struct GCSService: StorageService {
    /// The service's name in pool names, errors and metrics.
    package static let name = "gcs"
    package static let poolDocumentation = PoolDocumentation(
        region: "us-central1",
        doc:
            "A bucket in Google Cloud Storage. `cloud-mirror pools apply` creates and configures buckets; `pools check` reports what is wrong "
            + "with one.")
    package static let capabilities: [(variant: String?, capabilities: StoreCapabilities)] = BucketAccess.allCases.map {
        ($0.rawValue, GCSStore.capabilities($0))
    }
    package static let originDocumentation: OriginDocumentation? = OriginDocumentation(
        type: "list of {bucket, endpoint, credentials}", example: "[{bucket: my-artifacts}]",
        doc:
            "Buckets that artifacts are read from with credentials. Clients use `https://` URLs in any of Cloud Storage's forms, or "
            + "`gs://bucket/object` (with the name as it is, not percent-encoded); no `allow` rule is needed for them. The settings are those "
            + "of a GCS pool. Pools of the same endpoint copy from these buckets server-side.")
    package static var permissions: String? { GCSPermissions.markdown() }

    /// Buckets that are reached in one way have one provider of credentials, however many they are.
    private struct Source: Hashable {
        let credentials: GCSCredentialSettings
        let endpoint: GCSEndpoint

        init(_ bucket: GCSBucketSettings) {
            credentials = bucket.credentials
            endpoint = bucket.endpoint
        }
    }

    private let connection: GCSConnection
    private let credentials: [Source: any CredentialsProvider<GCSCredentials>]

    package init(pools: [GCSPoolSettings], origins: [GCSBucketSettings], environment: ServiceEnvironment) {
        // The service may be silent for minutes while it puts the parts of an object together.
        let http = environment.makeClient(minimumIdleTimeout: .seconds(240))
        connection = GCSConnection(http: http, clock: environment.clock, logger: environment.logger)
        credentials = Self.providers(of: Set((origins + pools.map(\.bucket)).map(Source.init)), connection)
    }

    package func close() async {
        for provider in credentials.values { await provider.shutdown() }
        await connection.http.shutdown()
    }

    // MARK: Pools

    package static func readPool(_ section: SettingsReader, of pool: PoolID) -> GCSPoolSettings? { .read(section, of: pool) }

    package static func hasListPrices(_ pool: GCSPoolSettings) -> Bool { pool.bucket.endpoint.isGoogle }

    package func open(_ pool: GCSPoolSettings, as description: PoolDescription) -> any ObjectStore {
        GCSStore(configuration: configuration(of: pool), connection: connection)
    }

    package func setup(of pool: GCSPoolSettings, as description: PoolDescription) -> (any StorageSetup)? {
        let setup = GCSPoolSetup(configuration: configuration(of: pool), retention: description.timeToLive, connection: connection)
        return GCSSetup(setup: setup, poolCheck: GCSPoolCheck(setup: setup, credentialsSource: pool.bucket.credentials.words))
    }

    private func configuration(of pool: GCSPoolSettings) -> GCSConfiguration {
        GCSConfiguration(
            bucket: pool.bucket.name, endpoint: pool.bucket.endpoint, reading: pool.reading, credentials: provider(of: pool.bucket),
            hasTokens: pool.bucket.credentials.hasTokens,
            location: pool.location, project: pool.project)
    }

    // MARK: Origins

    package static func readOrigin(_ section: SettingsReader) -> GCSBucketSettings? { .read(section, example: "my-artifacts") }

    package func origin(_ bucket: GCSBucketSettings) -> any BucketOrigin {
        GCSOrigin(bucket: bucket.name, endpoint: bucket.endpoint, credentials: provider(of: bucket), connection: connection)
    }

    // MARK: Credentials

    private static func providers(
        of sources: Set<Source>, _ connection: GCSConnection
    ) -> [Source: any CredentialsProvider<GCSCredentials>] {
        var providers: [Source: any CredentialsProvider<GCSCredentials>] = [:]
        for source in sources {
            switch source.credentials {
            case .anonymous: providers[source] = StaticCredentials<GCSCredentials>.anonymous
            case .keys(let accessID, let secret):
                providers[source] = StaticCredentials(GCSCredentials(keys: GCSKeys(accessID: accessID, secret: secret.value)))
            case .found(let file, let impersonated):
                providers[source] = GCSCredentialsChain.standard(
                    client: connection.http, endpoint: source.endpoint, file: file, impersonated: impersonated,
                    clockOffset: connection.clockOffset, clock: connection.clock, logger: connection.logger)
            }
        }
        return providers
    }

    private func provider(of bucket: GCSBucketSettings) -> any CredentialsProvider<GCSCredentials> {
        // There is one for each configured bucket; no other bucket gets here.
        credentials[Source(bucket)] ?? StaticCredentials<GCSCredentials>.anonymous
    }
}

/// The commands that look after pools, for one bucket.
private struct GCSSetup: StorageSetup {
    let setup: GCSPoolSetup
    let poolCheck: GCSPoolCheck

    func plan() async throws -> SetupPlan {
        let plan = try await setup.plan()
        return plan.setup { report in try await setup.apply(plan, report: report) }
    }

    func check(report: (SetupLine) -> Void) async throws -> Bool { try await poolCheck.run(report: report) }
}
