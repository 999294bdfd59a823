package import Logging
package import MirrorCore
package import MirrorNet
package import NIOCore
import StorageCloud
package import StorageS3

/// What talks to S3: made once from the configuration, for the service and for the commands that look after pools.
package struct S3Parts: Sendable {
    package let http: ServiceClient
    private let configuration: Configuration
    private let credentials: [Configuration.S3CredentialSource: any CredentialsProvider<S3Credentials>]
    /// By endpoint.
    private let quirks: [String: S3ServiceQuirks]
    private let clock: any MirrorClock
    private let logger: Logger

    package init(_ configuration: Configuration, group: any EventLoopGroup, clock: any MirrorClock = SystemClock(), logger: Logger) {
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        var outbound = OutboundConfiguration(userAgent: "cloud-mirror/\(CloudMirrorVersion.current)")
        outbound.connectTimeout = configuration.copy.connectTimeout
        // A copy that the service makes itself may be silent for as long as it takes to read a part.
        outbound.idleTimeout = max(configuration.copy.idleTimeout, .seconds(120))
        outbound.connectionsPerOrigin = configuration.s3Operations
        http = ServiceClient(configuration: outbound, eventLoopGroup: group, logger: logger)
        credentials = Self.providers(configuration, http: http, clock: clock, logger: logger)
        quirks = Dictionary(uniqueKeysWithValues: Set(configuration.s3Buckets.map(\.s3Endpoint.url)).map { ($0, S3ServiceQuirks()) })
    }

    /// Ends what asks for credentials, and closes all connections.
    package func close() async {
        for provider in credentials.values { await provider.shutdown() }
        await http.shutdown()
    }

    package func configuration(of pool: Configuration.S3Pool) -> S3Configuration {
        var configuration = S3Configuration(
            bucket: pool.bucket.name, endpoint: pool.bucket.s3Endpoint, access: pool.access, publicURL: pool.publicURL,
            keyPrefix: pool.keyPrefix, credentials: provider(of: pool.bucket))
        if let known = quirks[pool.bucket.s3Endpoint.url] { configuration.quirks = known }
        return configuration
    }

    func store(of pool: Configuration.S3Pool) -> S3Store {
        S3Store(configuration: configuration(of: pool), http: http, clock: clock, logger: logger)
    }

    func origins() -> [S3Origin] {
        configuration.origins.s3.map { bucket in
            S3Origin(
                bucket: bucket.name, endpoint: bucket.s3Endpoint, credentials: provider(of: bucket), http: http, clock: clock,
                logger: logger)
        }
    }

    // MARK: Credentials

    /// - Returns: One provider for each source, however many buckets use it.
    private static func providers(
        _ configuration: Configuration, http: ServiceClient, clock: any MirrorClock, logger: Logger
    ) -> [Configuration.S3CredentialSource: any CredentialsProvider<S3Credentials>] {
        let buckets = configuration.s3Buckets
        var providers: [Configuration.S3CredentialSource: any CredentialsProvider<S3Credentials>] = [:]
        for source in Set(buckets.map(\.credentials)) {
            // Where roles are asked for when nothing else says so.
            let region = buckets.first { $0.credentials == source && $0.s3Endpoint.isAWS }?.region
            switch source {
            case .anonymous: providers[source] = StaticCredentials<S3Credentials>.anonymous
            case .keys(let accessKeyID, let secretAccessKey, let sessionToken):
                providers[source] = StaticCredentials(
                    S3Credentials(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey.value, sessionToken: sessionToken?.value))
            case .profile(let profile):
                providers[source] = S3CredentialsChain.standard(
                    client: http, region: region, profile: profile, clock: clock, logger: logger)
            case .chain:
                providers[source] = S3CredentialsChain.standard(client: http, region: region, clock: clock, logger: logger)
            }
        }
        return providers
    }

    private func provider(of bucket: Configuration.S3Bucket) -> any CredentialsProvider<S3Credentials> {
        // There is one for each bucket of the configuration; nobody else's bucket gets here.
        credentials[bucket.credentials] ?? StaticCredentials<S3Credentials>.anonymous
    }
}

extension Configuration {
    /// Of pools and origins.
    fileprivate var s3Buckets: [S3Bucket] {
        origins.s3
            + pools.compactMap { pool in
                if case .s3(let s3) = pool.storage { return s3.bucket }
                return nil
            }
    }

    /// Operations of one pool at once: every part of every copy, and as many calls for clients beside them.
    var s3Operations: Int { max(64, 2 * copy.concurrency * copy.partConcurrency) }
}

extension Configuration.S3Bucket {
    package var s3Endpoint: S3Endpoint {
        guard let endpoint else { return .aws(region: region, dualStack: dualStack, addressing: addressing ?? .virtual) }
        let byPath = S3Endpoint(scheme: endpoint.scheme, host: endpoint.host, port: endpoint.port, region: region, addressing: .path)
        var chosen = byPath
        chosen.addressing = addressing ?? (byPath.isAWS ? .virtual : .path)
        return chosen
    }
}
