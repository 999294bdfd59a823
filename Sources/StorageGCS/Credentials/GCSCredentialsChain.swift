import Logging
import MirrorCore
import MirrorNet
import StorageCloud

/// Looks for credentials where Google's tools look, in their order ("Application Default Credentials", AIP-4110).
///
/// 1. the file that `GOOGLE_APPLICATION_CREDENTIALS` names;
/// 2. the file that `gcloud auth application-default login` writes;
/// 3. the metadata server of the machine.
enum GCSCredentialsChain {
    /// The whole chain, or one file, kept fresh.
    ///
    /// - Parameters:
    ///   - file: In place of the chain.
    ///   - impersonated: The address of a service account that is acted as with what is found.
    ///   - clockOffset: Shared by all that is signed for the service.
    static func standard(
        client: ServiceClient, endpoint: GCSEndpoint, file: String? = nil, impersonated: String? = nil,
        environment: [String: String] = .ofThisProcess, files: CredentialFiles = .system, clockOffset: ClockOffset = ClockOffset(),
        clock: any MirrorClock = SystemClock(), logger: Logger
    ) -> RefreshingCredentials<GCSCredentials> {
        let context = AccountContext(
            hosts: GoogleHosts(endpoint: endpoint),
            tokens: GoogleTokenService(transport: CredentialsTransport(client: client, clock: clock), clockOffset: clockOffset),
            environment: environment, files: files)
        let chain = chain(file: file, context)
        return RefreshingCredentials(clock: clock, logger: logger) {
            let found = try await chain.load()
            guard let impersonated else { return found }
            return try await Impersonation(account: impersonated, hosts: context.hosts).load(from: found, context)
        }
    }

    static func chain(file: String?, _ context: AccountContext) -> CredentialsChain<GCSCredentials> {
        let sources: [any CredentialsSource<GCSCredentials>] =
            if let file {
                [AccountFileSource.configured(file, context)]
            } else {
                [AccountFileSource.environment(context), AccountFileSource.wellKnown(context), GoogleMetadataSource(context: context)]
            }
        return CredentialsChain<GCSCredentials>(sources) { reasons in
            "none in the configuration, nor where Google's tools look (\(reasons)); set them up in one of these places, or write `credentials: anonymous` for a bucket that anyone may use"
        }
    }
}
