import Foundation
import TestServers
import Testing

extension EndToEnd {
    /// The pages for people, in a real browser.
    @Suite(.timeLimit(.minutes(3)))
    struct PageTests {
        private static let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../scripts/check-pages.py")
            .standardized.path

        @Test(
            "Pages render, figures move while a copy runs, login, purge and warm work, with and without scripts, and nothing is asked of another host"
        )
        func pages() async throws {
            try await FakeOrigin.run { origin in
                // Some eight seconds.
                let slow = FakeBehavior.generated(size: 16 << 20, seed: 39).with {
                    $0.acceptsRanges = false
                    $0.pause = .milliseconds(30)
                }
                origin.on("/builds/release.tar.zst", slow)
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.more = ["selection: {default: local/dev}"]
                try await MirrorProcess.run(settings) { mirror in
                    let directory = try TemporaryDirectory()
                    let token = try directory.write(mirror.token + "\n", to: "token")
                    let words =
                        "python3 '\(Self.script)' '\(mirror.url)' '\(origin.url("/builds/release.tar.zst"))' '\(directory.path)/shots' <'\(token)'"
                    let process = try await ChildProcess.start(
                        "env", ["-i", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=\(directory.path)", "sh", "-c", words])
                    let (exit, output) = try await process.end()
                    #expect(exit == .code(0), "\(output)")
                    #expect(output.contains("dashboard-narrow.png"), "\(output)")
                }
            }
        }
    }
}
