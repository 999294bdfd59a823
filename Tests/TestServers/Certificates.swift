/// An authority of a test's own, and a certificate by it for `localhost` and `origin.example`.
package struct Certificates: Sendable {
    private let directory: TemporaryDirectory

    package var authority: String { path("ca.pem") }
    package var certificate: String { path("server.pem") }
    package var key: String { path("server.key") }

    package init() async throws {
        directory = try TemporaryDirectory()
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try await ChildProcess.run(
            "openssl",
            ["req", "-x509", "-days", "2", "-subj", "/CN=test authority", "-keyout", path("ca.key"), "-out", authority] + curve)
        try await ChildProcess.run("openssl", ["req", "-subj", "/CN=localhost", "-keyout", key, "-out", path("server.csr")] + curve)
        let names = try directory.write("subjectAltName=DNS:localhost,DNS:origin.example\n", to: "names")
        try await ChildProcess.run(
            "openssl",
            ["x509", "-req", "-days", "2", "-in", path("server.csr"), "-CA", authority, "-CAkey", path("ca.key"), "-CAcreateserial"]
                + ["-extfile", names, "-out", certificate])
    }

    /// Options of a ``RedisServer`` that takes TLS on this port, beside what it takes on its own.
    package func redisOptions(port: Int) -> [String] {
        ["--tls-port", "\(port)", "--tls-auth-clients", "no", "--tls-cert-file", certificate, "--tls-key-file", key]
            + ["--tls-ca-cert-file", authority]
    }

    private func path(_ name: String) -> String { "\(directory.path)/\(name)" }
}
