import CryptoExtras
import MirrorCore

/// A key, and something in the place of a certificate: nobody looks into it.
enum TestCertificate {
    /// Not a certificate: only its digest counts.
    static let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    private static let made = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }

    static func key() throws -> _RSA.Signing.PrivateKey { try made.get() }

    /// The certificate and the key, as an operator would write them into one file.
    static func pem() throws -> String { "Bag Attributes\n  friendlyName: mirror\n\(certificate)\n\(try key().pemRepresentation)\n" }

    static var certificate: String { block("CERTIFICATE", bytes) }

    static func block(_ label: String, _ bytes: [UInt8]) -> String {
        let text = Base64.encode(bytes)
        let lines = stride(from: 0, to: text.utf8.count, by: 64).map { start in text.dropFirst(start).prefix(64) }
        return "-----BEGIN \(label)-----\n\(lines.joined(separator: "\n"))\n-----END \(label)-----"
    }
}
