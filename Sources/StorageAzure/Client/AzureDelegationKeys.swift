package import Logging
package import MirrorCore
package import MirrorNet
import MirrorStorage
import NIOCore
import NIOHTTP1
package import StorageCloud

/// The keys that sign URLs on behalf of an Entra ID identity, one after the other.
///
/// Each key belongs to a window and signs only during that window. So all processes sign with the same key, whenever they have started, and return
/// the same URLs. The key of an earlier window is used only if the service does not issue the next one; it is valid for another day.
package final class AzureDelegationKeys: Sendable {
    private static let window = SigningWindow(length: .seconds(6 * 3_600))
    /// How long a key is valid before its window: it signs from its beginning, and servers' clocks may be behind, as this machine's may be ahead.
    private static let lead: Duration = .seconds(15 * 60)
    /// How long a key is valid after its window.
    private static let reserve: Duration = .seconds(24 * 3_600)
    /// Callers that need the next key do not wait longer for the service.
    private static let timeout: Duration = .seconds(15)

    private let keys: RefreshingCredentials<UserDelegationKey>

    /// - Parameter credentials: Must have a token when a key is requested.
    package init(
        endpoint: AzureEndpoint, credentials: any CredentialsProvider<AzureCredentials>, http: ServiceClient,
        clock: any MirrorClock = SystemClock(), clockOffset: ClockOffset = ClockOffset(), logger: Logger
    ) {
        let client = AzureClient(
            container: "", endpoint: endpoint, credentials: credentials, http: http, clock: clock, clockOffset: clockOffset, logger: logger)
        var limits = RefreshingCredentials<UserDelegationKey>.Limits()
        limits.refreshBefore = AzureDelegationKeys.reserve
        limits.waitBefore = AzureDelegationKeys.reserve
        // A server may issue keys that do not last as long as they should.
        limits.minInterval = .seconds(60)
        keys = RefreshingCredentials(limits: limits, clock: clock, logger: logger) {
            let key = try await leaving(after: AzureDelegationKeys.timeout, by: clock) { try await AzureDelegationKeys.ask(client) }
            guard let key else {
                throw CredentialsError(.unavailable, "no user delegation key: \(endpoint.url) gives no answer in time")
            }
            return key
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
        let (begins, ends) = (
            SharedAccessSignature.time(start - Self.lead), SharedAccessSignature.time(start + Self.window.life(atLeast: Self.reserve))
        )
        let body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>\(begins)</Start><Expiry>\(ends)</Expiry></KeyInfo>"
        let call = AzureCall(
            "delegationKey", .POST, .account, query: [("restype", "service"), ("comp", "userdelegationkey")],
            headers: [("content-type", "application/xml")], body: .bytes([ByteBuffer(string: body)]))
        do {
            let document = try await client.send(call).body.collect(upTo: 64 << 10)
            return try UserDelegationKey(document, clockOffset: client.clockOffset.value)
        } catch let error as StorageError {
            throw CredentialsError(error.code.isTransient ? .unavailable : .refused, words(error))
        }
    }

    private static func words(_ error: StorageError) -> String {
        guard error.code == .permissionDenied else { return "no user delegation key: \(error.message)" }
        return "no user delegation key: assign the role Storage Blob Delegator on the account (\(error.message))"
    }
}
