package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
package import StorageCloud
import Synchronization

/// Sends requests to one container: address, signature, the service's errors in our words.
///
/// What can be put right is put right once, and remembered: a clock that is off, a token that has ended. Throttling and passing failures
/// are the caller's to wait out.
package final class AzureClient: Sendable {
    /// Empty for the account itself.
    package let container: String
    package let endpoint: AzureEndpoint

    let credentials: any CredentialsProvider<AzureCredentials>
    let delegation: AzureDelegationKeys?
    let http: ServiceClient
    let clock: any MirrorClock
    let clockOffset: ClockOffset
    let logger: Logger
    /// Whether the last request carried a token.
    let hasToken = Mutex(false)

    /// - Parameters:
    ///   - delegation: Signs locations where there is no account key.
    ///   - clockOffset: Shared by everybody who signs for the account.
    package init(
        container: String, endpoint: AzureEndpoint, credentials: any CredentialsProvider<AzureCredentials>,
        delegation: AzureDelegationKeys? = nil, http: ServiceClient, clock: any MirrorClock = SystemClock(),
        clockOffset: ClockOffset = ClockOffset(), logger: Logger
    ) {
        self.container = container
        self.endpoint = endpoint
        self.credentials = credentials
        self.delegation = delegation
        self.http = http
        self.clock = clock
        self.clockOffset = clockOffset
        self.logger = logger
    }

    /// Now, by the service's clock as far as it is known.
    var now: Timestamp { clockOffset.corrected(clock.now) }

    /// Sends a request and returns the answer that it was done.
    ///
    /// - Throws: ``StorageError`` for every other answer; what a streamed body threw, unchanged; `CancellationError`.
    package func send(_ call: AzureCall) async throws -> AzureAnswer {
        let answer = try await answer(to: call)
        if let failure = answer.failure { throw error(failure, call) }
        return answer
    }

    func error(_ failure: AzureFailure, _ call: AzureCall) -> StorageError {
        let subject = failure.isAboutSource ? "the source of \(subject(of: call))" : subject(of: call)
        return failure.storageError(call: call.name, bucket: container, subject: subject)
    }

    /// Sends a request whose answer is a document.
    package func document(_ call: AzureCall, limit: Int = 1 << 20) async throws -> XMLTree {
        try await send(call).document(of: call.name, limit: limit)
    }

    /// Sends a request and returns what the service answers, whatever the status.
    ///
    /// - Throws: As ``send(_:)`` where there is no answer.
    package func answer(to call: AzureCall) async throws -> AzureAnswer {
        logger.trace("asking the service", metadata: ["call": "\(call.name)", "container": "\(container)"])
        var corrections = AzureCorrections()
        while true {
            let attempt = try await attempt(call)
            guard let failure = attempt.answer.failure, correct(failure, attempt, &corrections) else { return attempt.answer }
            guard call.body.mayRepeat else {
                // The stream is gone, but the next one will get through.
                throw CloudErrors.azure.odd("\(subject(of: call)) has to be sent again (\(failure))", call.name)
            }
        }
    }

    /// `object a/b in the container c`
    package func subject(of call: AzureCall) -> String {
        switch call.place {
        case .account: "account \(endpoint.account)"
        case .container: "container \(container)"
        case .blob(let name): "object \(name) in the container \(container)"
        }
    }

    // MARK: Locations

    /// The address of a blob, without a signature.
    ///
    /// - Parameter base: What stands in front of the name in place of the container's own address.
    package func url(ofBlob name: String, base: ArtifactURL? = nil) -> String {
        if let base {
            let folder = base.path.hasSuffix("/") ? base.path : "\(base.path)/"
            return "\(base.service)\(folder)\(PercentCoding.encode(path: name))"
        }
        return "\(endpoint.scheme.rawValue)://\(endpoint.authority)\(endpoint.path(container, blob: name))"
    }

    /// How long the same address is given, so that clients and caches see one, whichever process they ask.
    static let signingWindow = SigningWindow(length: .seconds(60))
    /// How long a signed address may work: a user delegation key has seven days.
    static let longestLife: Duration = .seconds(604_800)

    /// An address of a blob at which everybody may read it for a while.
    ///
    /// - Parameters:
    ///   - state: Of the blob; the query of the address names it.
    ///   - base: What stands in front of the name in place of the container's own address.
    ///   - life: At least; up to the length of ``signingWindow`` more, and no longer than the key that signs.
    /// - Throws: `.permissionDenied` without credentials that can sign.
    package func signedURL(ofBlob name: String, base: ArtifactURL? = nil, life: Duration) async throws -> ObjectLocation {
        try await signedURL(ofBlob: name, state: .current, base: base, life: life)
    }

    func signedURL(
        ofBlob name: String, state: SharedAccessSignature.State, base: ArtifactURL? = nil, life: Duration
    ) async throws -> ObjectLocation {
        func end() -> Timestamp { Self.signingWindow.start(of: now) + Self.signingWindow.life(atLeast: min(life, Self.longestLife)) }
        var expires = end()
        func signature() -> SharedAccessSignature {
            SharedAccessSignature(
                account: endpoint.account, container: container, blob: name, state: state, expires: expires,
                requiresHTTPS: (base?.scheme ?? endpoint.scheme) == .https)
        }
        let query: String
        switch try await currentCredentials(for: "location")?.kind {
        case .key(let key): query = signature().query(signedBy: key)
        case .token:
            let key = try await delegationKey()
            // The answer with the key may have told the service's time.
            expires = end()
            if let last = key.expires { expires = min(expires, last) }
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
        let version = state.item.map { "\($0.name)=\(PercentCoding.encode($0.value))&" } ?? ""
        // When it ends by this machine's clock.
        return ObjectLocation(url: "\(url(ofBlob: name, base: base))?\(version)\(query)", expires: expires - clockOffset.value)
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

extension SharedAccessSignature.State {
    /// What names it in the query of an address.
    var item: (name: String, value: String)? {
        switch self {
        case .current: nil
        case .version(let moment): ("versionid", moment)
        case .snapshot(let moment): ("snapshot", moment)
        }
    }
}
