package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
package import StorageCloud
import Synchronization

/// Sends requests to one container: address, signature, the service's errors in our words.
///
/// Correctable problems (a wrong clock, an expired token) are corrected once, and the correction is remembered. Callers retry after throttling and
/// temporary failures.
package final class AzureClient: CloudClient {
    /// The container's name; empty for the account itself.
    package let bucket: String
    package let endpoint: AzureEndpoint

    package let credentials: any CredentialsProvider<AzureCredentials>
    let delegation: AzureDelegationKeys?
    package let http: ServiceClient
    package let clock: any MirrorClock
    package let clockOffset: ClockOffset
    let logger: Logger
    /// Whether the last request used a token.
    let hasToken = Mutex(false)

    /// - Parameters:
    ///   - delegation: Signs locations where there is no account key.
    ///   - clockOffset: Shared by everything that signs for the account.
    package init(
        container: String, endpoint: AzureEndpoint, credentials: any CredentialsProvider<AzureCredentials>,
        delegation: AzureDelegationKeys? = nil, http: ServiceClient, clock: any MirrorClock = SystemClock(),
        clockOffset: ClockOffset = ClockOffset(), logger: Logger
    ) {
        bucket = container
        self.endpoint = endpoint
        self.credentials = credentials
        self.delegation = delegation
        self.http = http
        self.clock = clock
        self.clockOffset = clockOffset
        self.logger = logger
    }

    package func error(_ failure: AzureFailure, _ call: AzureCall) -> StorageError {
        let subject = failure.isAboutSource ? "the source of \(subject(of: call))" : subject(of: call)
        return failure.storageError(call: call.name, bucket: bucket, subject: subject)
    }

    package func answer(to call: AzureCall) async throws -> AzureAnswer {
        logger.trace("asking the service", metadata: ["call": "\(call.name)", "container": "\(bucket)"])
        var corrections: Set<Correction> = []
        while true {
            let attempt = try await attempt(call)
            guard let failure = attempt.answer.failure, correct(failure, attempt, &corrections) else { return attempt.answer }
            guard call.body.mayRepeat else {
                // The stream is gone, but the next one will get through.
                throw CloudErrors.azure.odd("\(subject(of: call)) has to be sent again (\(failure))", call.name)
            }
        }
    }

    /// Each correction is made only once in a call, so that a service that contradicts itself cannot cause an endless loop.
    private enum Correction {
        case clock, credentials
    }

    /// - Returns: Whether another attempt may succeed.
    private func correct(_ failure: AzureFailure, _ attempt: Attempt, _ corrections: inout Set<Correction>) -> Bool {
        guard let used = attempt.credentials, failure.refusesCredentials else { return false }
        switch used.kind {
        case .key:
            // The service does not say what is wrong with a signature: it may be the time.
            guard failure.code == "AuthenticationFailed", attempt.isTimeNews, corrections.insert(.clock).inserted else { return false }
            logger.info("a request is signed again with the service's time", metadata: ["account": "\(endpoint.account)"])
            return true
        case .token:
            guard corrections.insert(.credentials).inserted else { return false }
            credentials.invalidate(used)
            logger.info("the service refused a token; requesting a new one", metadata: ["account": "\(endpoint.account)"])
            return true
        case .signature: return false
        }
    }

    /// `object a/b in the container c`
    package func subject(of call: AzureCall) -> String {
        switch call.place {
        case .account: "account \(endpoint.account)"
        case .bucket: "container \(bucket)"
        case .object(let name): "object \(name) in the container \(bucket)"
        }
    }

    // MARK: Locations

    package func url(ofKey name: String, base: ArtifactURL? = nil) -> String {
        base.map { "\($0.service)\($0.path(before: name))" }
            ?? "\(endpoint.scheme.rawValue)://\(endpoint.authority)\(endpoint.path(bucket, blob: name))"
    }

    /// How long the same URL is returned, so that clients and caches see one URL, whichever process they ask.
    static let signingWindow = SigningWindow(length: .seconds(60))
    /// The longest life of a signed URL: a user delegation key lasts seven days.
    static let longestLife: Duration = .seconds(604_800)

    /// It works for up to ``signingWindow`` longer, but not longer than the key that signs it.
    package func signedURL(
        ofKey name: String, version: AzureBlobVersion? = nil, base: ArtifactURL? = nil, life: Duration
    ) async throws -> ObjectLocation {
        func end() -> Timestamp { Self.signingWindow.start(of: now) + Self.signingWindow.life(atLeast: min(life, Self.longestLife)) }
        var expires = end()
        func signature() -> SharedAccessSignature {
            SharedAccessSignature(
                account: endpoint.account, container: bucket, blob: name, version: version, expires: expires,
                requiresHTTPS: (base?.scheme ?? endpoint.scheme) == .https)
        }
        let query: String
        switch try await currentCredentials(for: "location")?.kind {
        case .key(let key): query = signature().query(signedBy: key)
        case .token:
            let key = try await delegationKey()
            // The answer with the key may have revealed the service's time.
            expires = end()
            expires = min(expires, key.end)
            guard expires > now else {
                throw CloudErrors.azure.error(.unavailable, "the user delegation key expires before a client could use a URL", "location")
            }
            query = signature().query(signedBy: key)
        case .signature:
            throw CloudErrors.azure.error(
                .permissionDenied, "a SAS token signs nothing, and clients must not get it: configure an account key or an identity",
                "location")
        case nil:
            throw CloudErrors.azure.error(
                .permissionDenied, "nothing can be signed without credentials: configure some, or make the access public", "location")
        }
        let url = url(ofKey: name, base: base) + AzureContainerURLs.query(version)
        // When it expires, by this machine's clock.
        return ObjectLocation(url: "\(url)\(version == nil ? "?" : "&")\(query)", expires: expires - clockOffset.value)
    }

    private func delegationKey() async throws -> UserDelegationKey {
        guard let delegation else {
            throw CloudErrors.azure.error(.permissionDenied, "nothing can be signed with a token alone", "location")
        }
        do {
            return try await delegation.key()
        } catch {
            throw CloudErrors.azure.mapping(error, call: "location")
        }
    }
}
