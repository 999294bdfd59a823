import Foundation
import MirrorCore
import TestServers
import Testing

extension EndToEnd {
    /// Clients that keep an artifact's date, and ask for it again only if it is newer.
    @Suite(.timeLimit(.minutes(1)))
    struct ModificationTimeTests {
        private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
        private static let time = Date(timeIntervalSince1970: 784_111_777)

        /// A mirror, and the address of a redirect to an artifact with a date.
        private func withArtifact(_ body: (MirrorProcess, _ redirect: String) async throws -> Void) async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .text("artifact").with { $0.headers.append(("Last-Modified", Self.date)) })
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    try await body(mirror, "\(mirror.url)/v1/redirect/local/dev/\(PercentCoding.encode(origin.url("/a.bin")))")
                }
            }
        }

        private func modified(_ file: String) throws -> Date? {
            try FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
        }

        @Test("wget -N keeps the origin's date, and downloads nothing the second time")
        func wget() async throws {
            try await withArtifact { mirror, redirect in
                let directory = "\(mirror.directory.path)/download"
                let first = try await Client.run(["wget", "-N", "-P", directory, redirect])
                #expect(first.exit == .code(0), "\(first.errors)")
                let name = try #require(try FileManager.default.contentsOfDirectory(atPath: directory).first)
                #expect(try modified("\(directory)/\(name)") == Self.time)
                let second = try await Client.run(["wget", "-N", "-P", directory, redirect])
                #expect(second.exit == .code(0), "\(second.errors)")
                #expect(second.errors.contains("304 Not Modified"), "\(second.errors)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [name])
                #expect(try modified("\(directory)/\(name)") == Self.time)
            }
        }

        @Test("curl -R keeps the origin's date, and -z downloads nothing the second time")
        func curl() async throws {
            try await withArtifact { mirror, redirect in
                let file = "\(mirror.directory.path)/a.bin"
                let command = ["curl", "-sSfLR", "-w", "%{http_code} %{size_download}", "-o", file]
                let first = try await Client.run(command + [redirect])
                #expect(first.output.trimmingCharacters(in: .newlines) == "200 8", "\(first.errors)")
                #expect(try modified(file) == Self.time)
                let second = try await Client.run(command + ["-z", file, redirect])
                #expect(second.output.trimmingCharacters(in: .newlines) == "304 0", "\(second.errors)")
                #expect(try modified(file) == Self.time)
                #expect(try mirror.directory.read("a.bin") == Array("artifact".utf8))
            }
        }
    }
}
