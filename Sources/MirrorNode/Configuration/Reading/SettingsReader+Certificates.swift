import MirrorSettings
import NIOSSL

extension SettingsReader {
    /// Bytes; larger certificate and key files are refused.
    private static var maxFile: Int { 1 << 20 }

    /// Reads the certificates in a file.
    ///
    /// - Returns: `nil` after recording a problem.
    func readCertificates(_ key: String, _ file: String) -> [NIOSSLCertificate]? {
        guard let bytes = readFile(key, file, limit: Self.maxFile, isSecret: false) else { return nil }
        let certificates = (try? NIOSSLCertificate.fromPEMBytes(bytes)) ?? []
        guard certificates.isEmpty else { return certificates }
        report("\(file) contains no PEM certificate (-----BEGIN CERTIFICATE-----), or a damaged one", key: key)
        return nil
    }

    /// Reads the private key in a file.
    ///
    /// - Returns: `nil` after recording a problem.
    func readPrivateKey(_ key: String, _ file: String) -> NIOSSLPrivateKey? {
        guard let bytes = readFile(key, file, limit: Self.maxFile, isSecret: true) else { return nil }
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            report("\(file) contains no PEM private key (-----BEGIN PRIVATE KEY-----), or one with a passphrase", key: key)
            return nil
        }
    }
}
