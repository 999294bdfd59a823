import NIOSSL
import Testing

@testable import MirrorNode

@Suite struct TLSFileTests {
    private static let file = minimalFile + "tls: {certificate: cert.pem, key: key.pem}\n"

    /// A key that fits no certificate here.
    private static let otherKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQjEDtYJ0cG8VuUmM
        ggiWSw8Q9RemE5874/Cu5AFC3aChRANCAASXmtbY/AVm/fEkZIck9aigtXelMCZK
        8aR59wQTJEA960e/f/BU4/1KT7dAy7StGXYPkQRoo55mvNZ53Nmy+uRz
        -----END PRIVATE KEY-----
        """

    private static func problems(certificate: String, key: String) -> [String] {
        Configuration.problems(of: file, .fake(files: ["/here/cert.pem": certificate, "/here/key.pem": key]))
    }

    @Test("Files that cannot be used are problems of the file, each with its place")
    func unusable() {
        #expect(Self.problems(certificate: sampleCertificate, key: sampleKey) == [])
        #expect(
            Self.problems(certificate: "", key: "-") == [
                "mirror.yaml:3:20: tls.certificate: /here/cert.pem contains no PEM certificate (-----BEGIN CERTIFICATE-----), or a damaged one",
                "mirror.yaml:3:35: tls.key: /here/key.pem contains no PEM private key (-----BEGIN PRIVATE KEY-----), or one with a passphrase",
            ])
        #expect(
            Self.problems(certificate: sampleCertificate, key: Self.otherKey) == [
                "mirror.yaml:3:35: tls.key: does not match the certificate in /here/cert.pem, or is of a type that cannot be used"
            ])
    }

    @Test("What came before TLS 1.2 is not spoken")
    func versions() throws {
        let files = ["/here/cert.pem": sampleCertificate, "/here/key.pem": sampleKey]
        #expect(try Configuration.reading(Self.file, .fake(files: files)).tls?.server.minimumTLSVersion == .tlsv12)
    }
}
