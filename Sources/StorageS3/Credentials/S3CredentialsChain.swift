package import Logging
package import MirrorCore
package import MirrorNet
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Looks for credentials where the AWS tools look, in the order of the AWS CLI.
///
/// 1. the environment, unless the configuration names a profile;
/// 2. a role that the profile names (`role_arn` with `source_profile` or `credential_source`);
/// 3. a web identity, of the environment or of the profile;
/// 4. what else the profile has: keys in the credentials file, a `credential_process`, keys in the config file;
/// 5. the container's agent;
/// 6. the instance's metadata.
///
/// The first place that has credentials is the one that is asked from then on: nobody becomes somebody else because a file is missing for a
/// moment. A place that has something that cannot work ends the search with its error.
package final class S3CredentialsChain: Sendable {
    private let sources: [any CredentialsSource]
    /// The index of the one that had credentials.
    private let chosen = Mutex<Int?>(nil)

    init(_ sources: [any CredentialsSource]) {
        self.sources = sources
    }

    /// - Throws: ``S3CredentialsError``, `.notFound` with every place and why it has none; `CancellationError`.
    package func load() async throws -> S3Credentials {
        if let index = chosen.withLock({ $0 }) {
            switch try await look(sources[index]) {
            case .found(let credentials): return credentials
            case .absent(let reason):
                throw S3CredentialsError(.unavailable, "\(sources[index].name), which had credentials before, has none any more: \(reason)")
            }
        }
        var reasons: [String] = []
        for (index, source) in sources.enumerated() {
            switch try await look(source) {
            case .found(let credentials):
                chosen.withLock { $0 = index }
                return credentials
            case .absent(let reason): reasons.append("\(source.name): \(reason)")
            }
        }
        throw S3CredentialsError(
            .notFound,
            "none in the configuration, nor where the AWS tools look (\(reasons.joined(separator: "; "))); set them up in one of these places, or write `credentials: anonymous` for a bucket that everybody may use"
        )
    }

    private func look(_ source: any CredentialsSource) async throws -> CredentialsFinding {
        do {
            return try await source.look()
        } catch let error as S3CredentialsError {
            throw error.prefixed(source.name)
        }
    }

    // MARK: Composition

    /// The environment that this process was started with; nothing else in this module reads it.
    package static var processEnvironment: [String: String] { ProcessInfo.processInfo.environment }

    /// The whole chain, kept fresh.
    ///
    /// - Parameters:
    ///   - region: Where STS is asked when neither the environment nor the profile says so; `nil` for a region that is not Amazon's.
    ///   - profile: Counts more than `AWS_PROFILE`, and than keys in the environment.
    package static func standard(
        client: ServiceClient, region: String?, profile: String? = nil,
        environment: [String: String] = processEnvironment, files: CredentialFiles = .system,
        clock: any MirrorClock = SystemClock(), logger: Logger
    ) -> RefreshingCredentials {
        let chain = chain(client: client, region: region, profile: profile, environment: environment, files: files, clock: clock)
        return RefreshingCredentials(clock: clock, logger: logger) { try await chain.load() }
    }

    static func chain(
        client: ServiceClient, region: String?, profile: String?, environment: [String: String], files: CredentialFiles,
        clock: any MirrorClock
    ) -> S3CredentialsChain {
        let transport = CredentialsTransport(client: client, clock: clock)
        let settings = SharedConfiguration.Settings(environment: environment, files: files, profile: profile)
        let tokenService = SecurityTokenService(environment: environment, region: region, transport: transport)
        let keys = EnvironmentSource(environment: environment, clock: clock)
        let container = ContainerSource(environment: environment, files: files, transport: transport)
        let instance = InstanceMetadataSource(environment: environment, transport: transport)
        let role = RoleSource(
            settings: settings, tokenService: tokenService,
            places: ["Environment": keys, "EcsContainer": container, "Ec2InstanceMetadata": instance])
        let identity = WebIdentitySource(settings: settings, tokenService: tokenService)
        let first: [any CredentialsSource] = profile == nil ? [keys] : []
        return S3CredentialsChain(first + [role, identity, ProfileSource(settings: settings), container, instance])
    }

    /// The region that the AWS tools would use.
    ///
    /// - Returns: `nil` when neither the environment nor the profile names one.
    /// - Throws: ``S3CredentialsError`` when the files cannot be understood, or lack the profile that is asked for.
    package static func region(
        profile: String? = nil, environment: [String: String] = processEnvironment, files: CredentialFiles = .system
    ) throws -> String? {
        if let region = environment.value("AWS_REGION") ?? environment.value("AWS_DEFAULT_REGION") { return region }
        return try SharedConfiguration(.init(environment: environment, files: files, profile: profile)).values()?.value("region")
    }
}
