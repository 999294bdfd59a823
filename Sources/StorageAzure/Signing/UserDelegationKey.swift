import MirrorCore
import NIOCore
import StorageCloud

/// A key that the service issues to an Entra ID identity, for signing URLs on its behalf. Descriptions never show it.
struct UserDelegationKey: ExpiringCredentials {
    let objectID: String
    let tenantID: String
    /// As the service wrote it: both times are signed.
    let start: String
    let expiry: String
    let service: String
    let version: String
    private let bytes: [UInt8]
    /// The same as ``expiry``.
    let end: Timestamp
    /// ``end`` by this machine's clock.
    let expires: Timestamp?

    /// - Parameter clockOffset: How far the service's clock is ahead of this machine's.
    /// - Throws: `.invalid` if it is not the service's answer; nothing of it gets into the error.
    init(_ document: ByteBuffer, clockOffset: Duration = .zero) throws(CredentialsError) {
        guard let tree = try? XMLTree(parsing: document, limit: 64 << 10), tree.name == "UserDelegationKey" else {
            throw CredentialsError(.invalid, "the answer is not a user delegation key")
        }
        func field(_ name: String) throws(CredentialsError) -> String {
            guard let text = tree[name]?.text, (1...256).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else { throw CredentialsError(.invalid, "the user delegation key has no \(name)") }
            return text
        }
        objectID = try field("SignedOid")
        tenantID = try field("SignedTid")
        start = try field("SignedStart")
        expiry = try field("SignedExpiry")
        service = try field("SignedService")
        version = try field("SignedVersion")
        guard let bytes = SharedKey.bytes(try field("Value")) else {
            throw CredentialsError(.invalid, "the user delegation key has a Value that is not base64")
        }
        self.bytes = bytes
        guard let end = Timestamp(rfc3339: expiry) else {
            throw CredentialsError(.invalid, "the user delegation key has a SignedExpiry that is not a time")
        }
        self.end = end
        expires = end - clockOffset
    }

    func signature(of text: String) -> String { SharedKey.signature(of: text, by: bytes) }
}

extension UserDelegationKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "UserDelegationKey(\(objectID), until \(expiry))" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: ["objectID": objectID]) }
}
