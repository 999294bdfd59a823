package import Logging
package import MirrorCore
package import MirrorNet
import MirrorStorage
import NIOCore
import NIOHTTP1
package import StorageCloud

/// The keys that sign addresses in the name of an identity of Entra ID, one after the other.
///
/// A key is asked for in good time: each that is given lasts for longer than any address that is signed with it.
package final class AzureDelegationKeys: Sendable {
    /// All processes ask for keys that begin at the same moments.
    private static let window = SigningWindow(length: .seconds(6 * 3_600))
    /// How long a key is asked for.
    private static let life = window.life(atLeast: .seconds(24 * 3_600))

    private let keys: RefreshingCredentials<UserDelegationKey>

    /// - Parameter credentials: Must have a token when a key is asked for.
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

    /// Ends the question that is under way.
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
