#if os(Linux)
    import Foundation
    import MirrorTesting
    import TestServers
    import Testing

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    extension EndToEnd {
        /// `retention.minFreeBytes`, on a disk of 24 MiB.
        @Suite(.timeLimit(.minutes(1)), .enabled(if: Privileges.mounts, "mounting needs root"))
        struct FreeSpaceTests {
            private static let reserve: Int64 = 8 << 20

            /// - Parameter disk: What the mirror sees as its pool's disk.
            private func withMirror(_ body: (MirrorProcess, FakeOrigin, _ disk: String) async throws -> Void) async throws {
                try await FakeOrigin.run { origin in
                    var settings = MirrorSettings(allow: [origin.url("/")])
                    settings.pool = "disk/pool"
                    settings.poolOptions = ", retention: {minFreeBytes: 8MiB}"
                    let directory = try TemporaryDirectory()
                    let disk = "\(directory.path)/disk"
                    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
                    let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
                    // In a namespace of its own, so that the mount ends with the process.
                    let mirror = MirrorProcess(
                        before: ["unshare", "-m", "sh", "-ec", "mount -t tmpfs -o size=24m none '\(disk)'; exec \"$0\" \"$@\""],
                        ["--config", file], in: directory, token: settings.token)
                    try await mirror.whileRunning { mirror in
                        let id = try #require(mirror.processID)
                        try await body(mirror, origin, "/proc/\(id)/root\(disk)")
                    }
                }
            }

            private static func free(_ disk: String) throws -> Int64 {
                var status = statvfs()
                try #require(statvfs(disk, &status) == 0)
                return Int64(status.f_bavail) * Int64(status.f_frsize)
            }

            @Test(
                "What was not used for longest goes before a copy would take what is to stay free, whoever fills the disk",
                arguments: [true, false])
            func evicts(statesLength: Bool) async throws {
                try await withMirror { mirror, origin, disk in
                    func ask(_ number: Int, _ size: Int64) async throws -> HTTP.Answer {
                        origin.on(
                            "/\(number)",
                            .generated(size: size, seed: UInt64(number)).with {
                                $0.framing = statesLength ? .length : .chunked
                                $0.acceptsRanges = statesLength
                            })
                        return try await mirror.redirect(origin.url("/\(number)"))
                    }
                    for number in 1...8 {
                        #expect(try await ask(number, 3_900_000).outcome == "wait", "\(number)")
                        #expect(try Self.free(disk) >= Self.reserve, "\(number)")
                    }
                    #expect(try await mirror.replica(origin.url("/1")) == nil)
                    #expect(try await mirror.replica(origin.url("/8"))?.state == "present")
                    try Data(repeating: 1, count: 6 << 20).write(to: URL(filePath: "\(disk)/other"))
                    #expect(try await ask(9, 3_900_000).outcome == "wait")
                    #expect(try Self.free(disk) >= Self.reserve)
                    #expect(try await mirror.replica(origin.url("/9"))?.state == "present")
                    // What does not fit however much goes takes nothing with it.
                    guard statesLength else { return }
                    let before = try mirror.objects(below: disk + "/pool").count
                    #expect(try await ask(10, 17 << 20).outcome == "fallback")
                    #expect(try mirror.objects(below: disk + "/pool").count == before)
                }
            }
        }
    }
#endif
