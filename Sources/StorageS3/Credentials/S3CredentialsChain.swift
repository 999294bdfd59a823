package import Logging
package import MirrorCore
package import MirrorNet
package import StorageCloud

/// Looks for credentials where the AWS tools look, in the order of the AWS CLI:
///
/// 1. the environment, unless the configuration names a profile;
/// 2. a role that the profile names (`role_arn` with `source_profile` or `credential_source`);
/// 3. a web identity, from the environment or the profile;
/// 4. the profile's other credentials: keys in the credentials file, a `credential_process`, keys in the config file;
/// 5. the container's agent;
/// 6. the instance's metadata.
package enum S3CredentialsChain {
    /// The whole chain, with credentials that are renewed in time.
    ///
    /// - Parameters:
    ///   - region: The region of STS if neither the environment nor the profile names one; `nil` for a region that is not Amazon's.
    ///   - profile: Overrides `AWS_PROFILE`, and keys in the environment.
    package static func standard(
        client: ServiceClient, region: String?, profile: String? = nil,
        environment: [String: String] = .ofThisProcess, files: CredentialFiles = .system,
        clock: any MirrorClock = SystemClock(), logger: Logger
    ) -> RefreshingCredentials<S3Credentials> {
        let chain = chain(client: client, region: region, profile: profile, environment: environment, files: files, clock: clock)
        return RefreshingCredentials(clock: clock, logger: logger) { try await chain.load() }
    }

    static func chain(
        client: ServiceClient, region: String?, profile: String?, environment: [String: String], files: CredentialFiles,
        clock: any MirrorClock
    ) -> CredentialsChain<S3Credentials> {
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
        let first: [any CredentialsSource<S3Credentials>] = profile == nil ? [keys] : []
        return CredentialsChain<S3Credentials>(first + [role, identity, ProfileSource(settings: settings), container, instance]) {
            reasons in
            "none in the configuration, nor where the AWS tools look (\(reasons)); set them up in one of these places, or write `credentials: anonymous` for a bucket that anyone may use"
        }
    }
}
