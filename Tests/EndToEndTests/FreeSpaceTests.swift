#if os(Linux)
    import Foundation
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
                "A copy that would take what is to stay free is not made as long as what is there is in use, whoever fills the disk",
                arguments: [true, false])
            func staysFree(statesLength: Bool) async throws {
                try await withMirror { mirror, origin, disk in
                    func ask(_ number: Int, _ size: Int64) async throws -> String? {
                        origin.on(
                            "/\(number)",
                            .generated(size: size, seed: UInt64(number)).with {
                                $0.framing = statesLength ? .length : .chunked
                                $0.acceptsRanges = statesLength
                            })
                        return try await mirror.redirect(origin.url("/\(number)")).outcome
                    }
                    for number in 1...4 {
                        #expect(try await ask(number, 3_700_000) == "wait", "\(number)")
                        #expect(try Self.free(disk) >= Self.reserve, "\(number)")
                    }
                    #expect(try await ask(5, 3_700_000) == "fallback")
                    #expect(try await mirror.replica(origin.url("/5"))?.error?.reason == "noRoom")
                    #expect(try Self.free(disk) >= Self.reserve)
                    try Data(repeating: 1, count: 6 << 20).write(to: URL(filePath: "\(disk)/other"))
                    #expect(try await ask(6, 1_000) == "fallback")
                    // Who is there stays, however much is asked for.
                    #expect(try await ask(7, 17 << 20) == "fallback")
                    for number in 1...4 { #expect(try await mirror.redirect(origin.url("/\(number)")).outcome == "hit") }
                    #expect(try mirror.objects(below: disk + "/pool").count == 4)
                }
            }

            @Test("An origin that states much and sends little takes little of the disk")
            func statedSize() async throws {
                try await withMirror { mirror, origin, disk in
                    let before = try Self.free(disk)
                    let gate = FakeGate()
                    origin.on(
                        "/a.bin",
                        .generated(size: 12 << 20).with {
                            $0.acceptsRanges = false
                            $0.stall = (300_000, gate)
                        })
                    #expect(try await mirror.redirect(origin.url("/a.bin"), wait: 0).outcome == "fallback")
                    try await gate.waiting()
                    try await eventually("the upload has begun") { try Self.free(disk) < before }
                    #expect(try Self.free(disk) > before - (2 << 20))
                    gate.open()
                    #expect(try await mirror.redirect(origin.url("/a.bin")).outcome != "fallback")
                }
            }
        }
    }
#endif
