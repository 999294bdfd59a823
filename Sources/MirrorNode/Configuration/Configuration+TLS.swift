import MirrorSettings
package import NIOSSL

extension Configuration {
    /// The certificate that the listeners present.
    package struct TLS: Sendable, Equatable, CustomReflectable {
        /// Path of a PEM file: the certificate, then its chain.
        package var certificate: String
        /// Path of a PEM file.
        package var key: String
        /// The content of `certificate`.
        package var chain: [NIOSSLCertificate]
        package var privateKey: NIOSSLPrivateKey

        package var customMirror: Mirror { Mirror(self, children: []) }

        /// TLS 1.2 or later: RFC 8996 deprecates earlier versions.
        var server: TLSConfiguration {
            var server = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
            server.minimumTLSVersion = .tlsv12
            return server
        }
    }

    mutating func readTLS(_ reader: SettingsReader) {
        reader.optionalSection("tls", doc: "HTTPS on the listeners. Without this section they speak HTTP.") { section in
            let certificate = section.required(
                "certificate", .path, example: "/etc/cloud-mirror/cert.pem", doc: "PEM file: the certificate, then its chain.")
            let key = section.required(
                "key", .path, example: "/etc/cloud-mirror/key.pem", doc: "PEM file: the private key, without a passphrase.")
            let chain = certificate.flatMap { section.readCertificates("certificate", $0) }
            let privateKey = key.flatMap { section.readPrivateKey("key", $0) }
            guard let certificate, let key, let chain, let privateKey else { return }
            let tls = TLS(certificate: certificate, key: key, chain: chain, privateKey: privateKey)
            do {
                _ = try NIOSSLContext(configuration: tls.server)
                self.tls = tls
            } catch {
                section.report("does not match the certificate in \(certificate), or is of a type that cannot be used", key: "key")
            }
        }
    }
}
