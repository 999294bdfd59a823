package import Logging
package import MirrorCore
package import MirrorNet
import MirrorStorage
import NIOCore
import NIOHTTP1
package import StorageCloud

/// The keys that sign URLs on behalf of an Entra ID identity, one after the other.
///
/// A new key is requested early enough that each key outlasts every URL that is signed with it.
package final class AzureDelegationKeys: Sendable {
    /// All processes request keys that begin at the same times.
    private static let window = SigningWindow(length: .seconds(6 * 3_600))
    /// The life of a requested key.
    private static let life = window.life(atLeast: .seconds(24 * 3_600))

    private let keys: RefreshingCredentials<UserDelegationKey>

    /// - Parameter credentials: Must have a token when a key is requested.
    package init(
        endpoint: AzureEndpoint, credentials: any CredentialsProvider<AzureCredentials>, http: ServiceClient,
        clock: any MirrorClock = SystemClock(), clockOffset: ClockOffset = ClockOffset(), logger: Logger
    ) {
        let client = AzureClient(
            container: "", endpoint: endpoint, credentials: credentials, http: http, clock: clock, clockOffset: clockOffset, logger: logger)
        var limits = RefreshingCredentials<UserDelegationKey>.Limits()
        limits.refreshBefore = .seconds(3 * 3_600)
        limits.waitBefore = .seconds(2 * 3_600)
        keys = RefreshingCredentials(limits: limits, clock: clock, logger: logger) {
            try await AzureDelegationKeys.ask(client)
        }
    }

    /// - Throws: `CredentialsError`; `CancellationError`.
    func key() async throws -> UserDelegationKey {
        guard let key = try await keys.credentials() else { throw CredentialsError(.notFound, "there is no user delegation key") }
        return key
    }

    /// Cancels the request in progress.
    package func shutdown() async { await keys.shutdown() }

    private static func ask(_ client: AzureClient) async throws -> UserDelegationKey {
        let start = Self.window.start(of: client.now)
        let (begins, ends) = (SharedAccessSignature.time(start), SharedAccessSignature.time(start + Self.life))
        let body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>\(begins)</Start><Expiry>\(ends)</Expiry></KeyInfo>"
        let call = AzureCall(
            "delegationKey", .POST, .account, query: [("restype", "service"), ("comp", "userdelegationkey")],
            headers: [("content-type", "application/xml")], body: .bytes([ByteBuffer(string: body)]))
        do {
            return try UserDelegationKey(try await client.send(call).body.collect(upTo: 64 << 10))
        } catch let error as StorageError {
            throw CredentialsError(error.code.isTransient ? .unavailable : .refused, words(error))
        }
    }

    private static func words(_ error: StorageError) -> String {
        guard error.code == .permissionDenied else { return "no user delegation key: \(error.message)" }
        return "no user delegation key: assign the role Storage Blob Delegator on the account (\(error.message))"
    }
}
