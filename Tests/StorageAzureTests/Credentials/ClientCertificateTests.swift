import Crypto
import CryptoExtras
import MirrorCore
import StorageCloud
import Testing

@testable import StorageAzure

@Suite("The certificate of an application", .timeLimit(.minutes(5)))
struct ClientCertificateTests {
    private static let time = Timestamp(milliseconds: 1_769_860_800_000)
    private static let audience = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"

    private func decoded(_ text: Substring) throws -> [UInt8] { try #require(Base64.decode(String(text))) }

    private func object(_ text: Substring) throws -> [String: JSONValue] {
        guard case .object(let object)? = JSONValue(parsing: try decoded(text)) else { return [:] }
        return object
    }

    @Test("signs statements that have Entra's form, and that its public key verifies", arguments: [true, false])
    func statement(_ isForFederationServer: Bool) throws {
        let algorithm: ClientCertificate.Algorithm = isForFederationServer ? .rs256 : .ps256
        let certificate = try ClientCertificate(pem: TestCertificate.pem())
        let text = try certificate.assertion(for: "client", audience: Self.audience, algorithm: algorithm, at: Self.time)
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        #expect(parts.count == 3)
        #expect(!text.contains("=") && !text.contains("+") && !text.contains("/"))
        let header = try object(parts[0])
        guard case .string(let thumbprint)? = header[isForFederationServer ? "x5t" : "x5t#S256"] else { throw CancellationError() }
        let bytes = TestCertificate.bytes
        let expected = isForFederationServer ? Array(Insecure.SHA1.hash(data: bytes)) : Array(SHA256.hash(data: bytes))
        #expect(Base64.decode(thumbprint) == expected)
        #expect(Set(header.keys) == ["alg", "typ", isForFederationServer ? "x5t" : "x5t#S256"])
        #expect(header["alg"] == .string(algorithm.rawValue) && header["typ"] == .string("JWT"))
        let claims = try object(parts[1])
        #expect(claims["aud"] == .string(Self.audience))
        #expect(claims["iss"] == .string("client") && claims["sub"] == .string("client"))
        #expect(claims["nbf"] == .integer(1_769_860_800) && claims["exp"] == .integer(1_769_861_400), "\(claims)")
        let signature = _RSA.Signing.RSASignature(rawRepresentation: try decoded(parts[2]))
        let digest = SHA256.hash(data: Array("\(parts[0]).\(parts[1])".utf8))
        let padding: _RSA.Signing.Padding = isForFederationServer ? .insecurePKCS1v1_5 : .PSS
        #expect(try TestCertificate.key().publicKey.isValidSignature(signature, for: digest, padding: padding))
        let again = try certificate.assertion(for: "client", audience: Self.audience, algorithm: algorithm, at: Self.time)
        #expect(again != text, "each has a name of its own")
    }

    @Test("is read whatever else the file holds, in whatever order and form of the key")
    func files() throws {
        let key = try TestCertificate.key()
        let certificate = TestCertificate.certificate
        for text in [
            "\(key.pemRepresentation)\n\(certificate)", "\(certificate)\r\n\(key.pkcs8PEMRepresentation)".replacing("\n", with: "\r\n"),
            "\(certificate)\n\(TestCertificate.block("CERTIFICATE", [1, 2, 3]))\n\(key.pemRepresentation)",
            "-----BEGIN NOTHING-----\n\(certificate)\n\(key.pemRepresentation)",
        ] {
            let read = try ClientCertificate(pem: text)
            #expect(read.thumbprint == Array(SHA256.hash(data: TestCertificate.bytes)))
        }
    }

    @Test("is sent with those of its issuers where the application trusts these")
    func chain() throws {
        let pem = "\(try TestCertificate.pem())\(TestCertificate.block("CERTIFICATE", [1, 2, 3]))\n"
        let text = try ClientCertificate(pem: pem).assertion(
            for: "client", audience: Self.audience, algorithm: .ps256, sendsChain: true, at: Self.time)
        let header = try object(text.prefix { $0 != "." })
        #expect(header["x5c"] == .array([.string(Base64.encode(TestCertificate.bytes)), .string(Base64.encode([1, 2, 3]))]))
        #expect(header["x5t#S256"] != nil)
    }

    @Test("is refused when it is not there or of no use, and nothing of it is told")
    func bad() throws {
        let key = try TestCertificate.key().pemRepresentation
        let certificate = TestCertificate.certificate
        let elliptic = P256.Signing.PrivateKey().pemRepresentation
        let cases: [(text: String, code: CredentialsError.Code, word: String)] = [
            ("", .invalid, "no certificate"), ("\u{0}\u{1}", .invalid, "no certificate"), (key, .invalid, "no certificate"),
            (certificate, .invalid, "no RSA private key"), ("\(certificate)\n\(elliptic)", .invalid, "not an RSA key"),
            ("\(certificate)\n\(TestCertificate.block("PRIVATE KEY", [1, 2, 3]))", .invalid, "not an RSA key"),
            ("\(certificate)\n\(TestCertificate.block("ENCRYPTED PRIVATE KEY", [1, 2, 3]))", .unsupported, "encrypted"),
            (
                "\(certificate)\n-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n"
                    + "-----END RSA PRIVATE KEY-----", .unsupported, "encrypted"
            ),
            ("-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n\(key)", .invalid, "no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n\(key)", .invalid, "no certificate"),
        ]
        for (text, code, word) in cases {
            let error = #expect(throws: CredentialsError.self) { try ClientCertificate(pem: text) }
            #expect(error?.code == code && error?.message.contains(word) == true, "\(text.prefix(60)): \(String(describing: error))")
            #expect(error?.message.contains("AAAA") == false)
        }
    }

    @Test("never shows its key")
    func secrecy() throws {
        let certificate = try ClientCertificate(pem: TestCertificate.pem())
        var text = "\(certificate) \(String(reflecting: certificate))"
        dump(certificate, to: &text)
        #expect(text.contains("ClientCertificate(") && !text.contains("PrivateKey"))
    }
}
