import Foundation

/// An authority of a test's own, and a certificate by it for `localhost`.
struct Certificates {
    private let directory: URL

    var authority: String { path("ca.pem") }
    var certificate: String { path("server.pem") }
    var key: String { path("server.key") }

    init() async throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("certificates-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try await RedisProcess.run(
            "openssl",
            ["req", "-x509", "-days", "2", "-subj", "/CN=test authority", "-keyout", path("ca.key"), "-out", authority] + curve)
        try await RedisProcess.run("openssl", ["req", "-subj", "/CN=localhost", "-keyout", key, "-out", path("server.csr")] + curve)
        try Data("subjectAltName=DNS:localhost\n".utf8).write(to: directory.appendingPathComponent("names"))
        try await RedisProcess.run(
            "openssl",
            ["x509", "-req", "-days", "2", "-in", path("server.csr"), "-CA", authority, "-CAkey", path("ca.key"), "-CAcreateserial"]
                + ["-extfile", path("names"), "-out", certificate])
    }

    func dispose() {
        try? FileManager.default.removeItem(at: directory)
    }

    private func path(_ name: String) -> String { directory.appendingPathComponent(name).path }
}
