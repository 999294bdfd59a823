import Crypto
import CryptoExtras
import MirrorCore
import StorageCloud

/// The private key of a service account. Its texts never show it.
struct AccountKey: Sendable {
    /// The account's address.
    let email: String
    let keyID: String?
    /// Where the account's assertions are exchanged for tokens.
    let tokenAddress: ArtifactURL
    private let key: _RSA.Signing.PrivateKey
    /// Distinguishes keys.
    private let fingerprint: String

    /// - Parameter pem: RSA, 2048 bits or more, as PKCS #8 or PKCS #1.
    /// - Throws: `.invalid` for anything else; nothing of it gets into the error.
    init(email: String, keyID: String?, tokenAddress: ArtifactURL, pem: String) throws(CredentialsError) {
        do {
            key = try _RSA.Signing.PrivateKey(pemRepresentation: pem)
        } catch {
            throw CredentialsError(.invalid, "private_key is not an RSA key of 2048 bits or more in PEM form")
        }
        self.email = email
        self.keyID = keyID
        self.tokenAddress = tokenAddress
        fingerprint = Hex.encode(SHA256.hash(of: pem))
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2).
    func signature(of text: String) throws(CredentialsError) -> [UInt8] {
        do {
            return try key.signature(for: SHA256.hash(of: text), padding: .insecurePKCS1v1_5).withUnsafeBytes { Array($0) }
        } catch {
            throw CredentialsError(.invalid, "private_key cannot sign")
        }
    }
}

extension AccountKey: Equatable {
    static func == (one: AccountKey, other: AccountKey) -> Bool {
        one.email == other.email && one.fingerprint == other.fingerprint && one.tokenAddress == other.tokenAddress
    }
}

extension AccountKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "AccountKey(\(email))" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: ["email": email]) }
}
