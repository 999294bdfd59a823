package import MirrorCore
import MirrorNet
package import MirrorSettings
package import MirrorStorage
import StorageCloud

/// Pools and origins in buckets of AWS S3, and of servers with the same protocol: `s3/…`.
package struct S3Service: StorageService {
    /// The service's name in pool names, errors and metrics.
    package static let name = "s3"
    package static let poolDocumentation = PoolDocumentation(
        region: "eu-central-1",
        doc:
            "A bucket in AWS S3, or on a server that speaks its protocol. `cloud-mirror pools apply` creates and configures buckets; "
            + "`pools check` reports what is wrong with one.")
    package static let capabilities: [(variant: String?, capabilities: StoreCapabilities)] = BucketAccess.allCases.map {
        ($0.rawValue, S3Store.capabilities($0))
    }
    package static let originDocumentation: OriginDocumentation? = OriginDocumentation(
        type: "list of {bucket, endpoint, region, addressing, dualStack, credentials}",
        example: "[{bucket: my-artifacts, region: us-west-2}]",
        doc:
            "Buckets that artifacts are read from with credentials. Clients use `https://` URLs in any of S3's forms, or `s3://bucket/key` "
            + "(with the key as it is, not percent-encoded); no `allow` rule is needed for them. The settings are "
            + "those of an S3 pool; `region` is required for AWS. Pools of the same service copy from these buckets server-side.")
    package static var permissions: String? { S3Permissions.markdown() }

    private let http: ServiceClient
    /// One provider for each source, however many buckets use it.
    private let credentials: [S3CredentialSettings: any CredentialsProvider<S3Credentials>]
    /// By endpoint.
    private let quirks: [String: S3ServiceQuirks]
    private let environment: ServiceEnvironment

    package init(pools: [S3PoolSettings], origins: [S3BucketSettings], environment: ServiceEnvironment) {
        self.environment = environment
        // While the service makes a copy, it may be silent for as long as it takes to read a part.
        http = environment.makeClient(minimumIdleTimeout: .seconds(120))
        let buckets = origins + pools.map(\.bucket)
        credentials = Self.providers(of: buckets, http: http, environment)
        quirks = Dictionary(uniqueKeysWithValues: Set(buckets.map(\.endpoint.url)).map { ($0, S3ServiceQuirks()) })
    }

    package func close() async {
        for provider in credentials.values { await provider.shutdown() }
        await http.shutdown()
    }

    // MARK: Pools

    package static func readPool(_ section: SettingsReader, of pool: PoolID) -> S3PoolSettings? { .read(section, of: pool) }

    package static func hasListPrices(_ pool: S3PoolSettings) -> Bool { pool.bucket.endpoint.isAWS }

    package func open(_ pool: S3PoolSettings, as description: PoolDescription) -> any ObjectStore {
        S3Store(configuration: configuration(of: pool), http: http, clock: environment.clock, logger: environment.logger)
    }

    package func setup(of pool: S3PoolSettings, as description: PoolDescription) -> (any StorageSetup)? {
        let setup = S3PoolSetup(
            configuration: configuration(of: pool), retention: description.timeToLive, http: http, clock: environment.clock,
            logger: environment.logger)
        return S3Setup(setup: setup, poolCheck: S3PoolCheck(setup: setup, credentialsSource: pool.bucket.credentials.words))
    }

    private func configuration(of pool: S3PoolSettings) -> S3Configuration {
        var configuration = S3Configuration(
            bucket: pool.bucket.name, endpoint: pool.bucket.endpoint, reading: pool.reading, credentials: provider(of: pool.bucket))
        if let known = quirks[pool.bucket.endpoint.url] { configuration.quirks = known }
        return configuration
    }

    // MARK: Origins

    package static func readOrigin(_ section: SettingsReader) -> S3BucketSettings? {
        .read(section, example: "my-artifacts", fallbackRegion: nil)
    }

    package func origin(_ bucket: S3BucketSettings) -> any BucketOrigin {
        S3Origin(
            bucket: bucket.name, endpoint: bucket.endpoint, credentials: provider(of: bucket), http: http, clock: environment.clock,
            logger: environment.logger)
    }

    // MARK: Credentials

    private static func providers(
        of buckets: [S3BucketSettings], http: ServiceClient, _ environment: ServiceEnvironment
    ) -> [S3CredentialSettings: any CredentialsProvider<S3Credentials>] {
        var providers: [S3CredentialSettings: any CredentialsProvider<S3Credentials>] = [:]
        for source in Set(buckets.map(\.credentials)) {
            // The region of STS if nothing else names one.
            let region = buckets.first { $0.credentials == source && $0.endpoint.isAWS }?.endpoint.region
            let chain = { profile in
                S3CredentialsChain.standard(
                    client: http, region: region, profile: profile, clock: environment.clock, logger: environment.logger)
            }
            switch source {
            case .anonymous: providers[source] = StaticCredentials<S3Credentials>.anonymous
            case .keys(let accessKeyID, let secretAccessKey, let sessionToken):
                providers[source] = StaticCredentials(
                    S3Credentials(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey.value, sessionToken: sessionToken?.value))
            case .profile(let profile): providers[source] = chain(profile)
            case .chain: providers[source] = chain(nil)
            }
        }
        return providers
    }

    private func provider(of bucket: S3BucketSettings) -> any CredentialsProvider<S3Credentials> {
        // There is a provider for each configured bucket, so the fallback is never used.
        credentials[bucket.credentials] ?? StaticCredentials<S3Credentials>.anonymous
    }
}

/// The setup commands for one bucket.
private struct S3Setup: StorageSetup {
    let setup: S3PoolSetup
    let poolCheck: S3PoolCheck

    func plan() async throws -> SetupPlan {
        let plan = try await setup.plan()
        return plan.setup { report in try await apply(plan, report: report) }
    }

    func check(report: (SetupLine) -> Void) async throws -> Bool { try await poolCheck.run(report: report) }

    /// - Returns: Whether everything was done, apart from what the server does not support or cannot have without refusing writes.
    private func apply(_ plan: S3PoolPlan, report: (SetupLine) -> Void) async throws -> Bool {
        var isDone = true
        try await setup.apply(plan) { line, outcome in
            let isEssential = line.step?.traits.isEssential ?? false
            switch outcome {
            case .done: report(SetupLine(.done, line.text))
            case .noted: report(SetupLine(.note, line.text))
            case .unsupported: report(SetupLine(.note, "\(line.text): not supported by this server"))
            case .takenBack(let reason):
                isDone = isDone && !isEssential
                report(SetupLine(isEssential ? .failed : .note, "reverted: \(line.text): \(reason)"))
            case .failed(let reason):
                isDone = false
                report(SetupLine(.failed, "\(line.text): \(reason)"))
            }
        }
        return isDone
    }
}
