import Crypto
import CryptoExtras
import MirrorCore
import StorageCloud

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The certificate of an application with its private key, and the assertions that it signs. Descriptions never show the key.
///
/// - SeeAlso: Microsoft identity platform, "Application authentication certificate credentials".
struct ClientCertificate: Sendable {
    /// RFC 7518 §3.
    enum Algorithm: String, Sendable {
        case ps256 = "PS256"
        /// For AD FS, which does not support newer ones.
        case rs256 = "RS256"
    }

    /// SHA-256 of the certificate, by which Entra ID identifies it.
    let thumbprint: [UInt8]
    /// SHA-1 of the certificate, by which AD FS identifies it.
    private let oldThumbprint: [UInt8]
    /// The certificate, followed by those of its issuers if there are any.
    private let chain: [[UInt8]]
    private let key: _RSA.Signing.PrivateKey

    /// How long an assertion is valid.
    private static let life: Duration = .seconds(600)

    /// - Parameter pem: A certificate and its private key, in any order; further certificates are those of its issuers, anything else is ignored.
    /// - Throws: `.invalid`, `.unsupported`; nothing of the text gets into the error.
    init(pem: String) throws(CredentialsError) {
        let blocks = PEMBlocks(pem).blocks
        if blocks.contains(where: { $0.label == "ENCRYPTED PRIVATE KEY" || $0.text.contains("Proc-Type: 4,ENCRYPTED") }) {
            throw CredentialsError(.unsupported, "its private key is encrypted; write one without a password, and guard the file")
        }
        let certificates = blocks.filter { $0.label == "CERTIFICATE" }
        guard let certificate = certificates.first?.bytes else {
            throw CredentialsError(
                .invalid, "it has no certificate in PEM (-----BEGIN CERTIFICATE-----); a PKCS #12 file has to be converted")
        }
        guard let block = blocks.first(where: { $0.label == "PRIVATE KEY" || $0.label == "RSA PRIVATE KEY" }) else {
            throw CredentialsError(.invalid, "it has no RSA private key in PEM (-----BEGIN PRIVATE KEY-----)")
        }
        thumbprint = Array(SHA256.hash(data: certificate))
        oldThumbprint = Array(Insecure.SHA1.hash(data: certificate))
        chain = certificates.compactMap(\.bytes)
        do {
            key = try _RSA.Signing.PrivateKey(pemRepresentation: block.text)
        } catch {
            throw CredentialsError(.invalid, "its private key is not an RSA key of 2,048 bits or more")
        }
    }

    /// A signed assertion that its holder is the application (RFC 7523).
    ///
    /// - Parameters:
    ///   - audience: The recipient of the assertion.
    ///   - sendsChain: Whether the certificates are included, for applications that trust a certificate's issuer and subject.
    /// - Throws: `.invalid` when the key cannot sign.
    func assertion(
        for clientID: String, audience: String, algorithm: Algorithm, sendsChain: Bool = false, at now: Timestamp
    ) throws(CredentialsError) -> String {
        let seconds = now.milliseconds / 1_000
        let header = Header(
            algorithm: algorithm.rawValue, type: "JWT", thumbprint: algorithm == .ps256 ? Self.text(thumbprint) : nil,
            oldThumbprint: algorithm == .rs256 ? Self.text(oldThumbprint) : nil,
            chain: sendsChain ? chain.map { Base64.encode($0) } : nil)
        let claims = Claims(
            audience: audience, issuer: clientID, subject: clientID, id: RandomBytes.hex(16),
            notBefore: seconds, expires: seconds + Self.life.components.seconds)
        do {
            let parts = [try JSONEncoder().encode(header), try JSONEncoder().encode(claims)]
            let statement = parts.map { Self.text(Array($0)) }.joined(separator: ".")
            let padding: _RSA.Signing.Padding = algorithm == .ps256 ? .PSS : .insecurePKCS1v1_5
            let signature = try key.signature(for: SHA256.hash(of: statement), padding: padding)
            return "\(statement).\(Self.text(Array(signature.rawRepresentation)))"
        } catch {
            throw CredentialsError(.invalid, "the private key cannot sign")
        }
    }

    /// RFC 7515 §2.
    private static func text(_ bytes: [UInt8]) -> String {
        Base64.encode(bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private struct Header: Encodable {
        let algorithm: String
        let type: String
        let thumbprint: String?
        let oldThumbprint: String?
        let chain: [String]?

        enum CodingKeys: String, CodingKey {
            case algorithm = "alg"
            case type = "typ"
            case thumbprint = "x5t#S256"
            case oldThumbprint = "x5t"
            case chain = "x5c"
        }
    }

    private struct Claims: Encodable {
        let audience: String
        let issuer: String
        let subject: String
        let id: String
        let notBefore: Int64
        let expires: Int64

        enum CodingKeys: String, CodingKey {
            case audience = "aud"
            case issuer = "iss"
            case subject = "sub"
            case id = "jti"
            case notBefore = "nbf"
            case expires = "exp"
        }
    }
}

extension ClientCertificate: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "ClientCertificate(\(Hex.encode(thumbprint)))" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: ["thumbprint": Hex.encode(thumbprint)]) }
}
