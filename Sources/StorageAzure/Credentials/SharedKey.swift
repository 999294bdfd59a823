import Crypto
import MirrorCore

/// A key of a storage account. It signs requests and URLs, and is never sent. Descriptions never show it.
package struct SharedKey: Sendable, Equatable {
    package let account: String
    private let bytes: [UInt8]

    /// - Parameter base64: As the service displays it.
    /// - Returns: `nil` when it is not base64, or empty.
    package init?(account: String, base64: String) {
        guard let bytes = Self.bytes(base64) else { return nil }
        self.account = account
        self.bytes = bytes
    }

    static func bytes(_ base64: String) -> [UInt8]? {
        Base64.decode(base64).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// - Returns: In base64.
    func signature(of text: String) -> String { Self.signature(of: text, by: bytes) }

    static func signature(of text: String, by bytes: [UInt8]) -> String {
        Base64.encode(Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: bytes))))
    }
}

extension SharedKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "SharedKey(\(account))" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["account": account]) }
}
