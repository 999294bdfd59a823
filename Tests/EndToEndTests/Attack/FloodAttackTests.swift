import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd.AttackTests {
    @Test("An origin that claims much and sends nothing takes no copy away from those who read them")
    func claimedRoom() async throws {
        let copies = 40
        try await FakeOrigin.run { origin in
            let gate = FakeGate()
            for number in 0..<copies { origin.on("/\(number).bin", .generated(size: 100_000, seed: UInt64(number))) }
            for number in 0..<4 {
                origin.on(
                    "/claim-\(number).bin",
                    .generated(size: 4 << 20).with {
                        $0.acceptsRanges = false
                        $0.stall = (10, gate)
                    })
            }
            var settings = MirrorSettings(allow: [origin.url("/")])
            settings.poolOptions = ", retention: {maxBytes: 5MiB}"
            settings.idleTimeout = "2s"
            settings.maxAttempts = 1
            try await MirrorProcess.run(settings) { mirror async throws in
                for number in 0..<copies { _ = try await mirror.redirect(origin.url("/\(number).bin")) }
                try #require(try mirror.objects().count == copies)
                for number in 0..<4 { #expect(try await mirror.redirect(origin.url("/claim-\(number).bin"), wait: 4).status == 302) }
                let left = try mirror.objects().count
                AttackFigures.report("4 claims of 4 MiB, of which 10 bytes come: copies left", "\(left) of \(copies)", limit: "\(copies)")
                #expect(left == copies)
            }
        }
    }

    @Test("URLs that are made up take little of the disk, and nobody else's place")
    func madeUpURLs() async throws {
        let count = 1_600
        try await FakeOrigin.run { good in
            // Nobody listens there.
            let nowhere = "http://127.0.0.1:\(try await FreePort.next())/"
            good.on("/a.bin", .generated(size: 1_000))
            var settings = MirrorSettings(allow: [nowhere, good.url("/")])
            settings.logLevel = "info"
            settings.maxAttempts = 1
            try await MirrorProcess.run(settings) { mirror async throws in
                let long = String(repeating: "x", count: 7_000)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<8 {
                        group.addTask {
                            for number in 0..<(count / 8) {
                                let answer = try await mirror.redirect("\(nowhere)\(worker)-\(number)-\(long)", wait: 0)
                                #expect(answer.status == 302, "\(answer.status) \(answer.text.prefix(200))")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await mirror.redirect(good.url("/a.bin"), wait: 10).outcome != "error")
                let taken = try Self.size(of: "\(mirror.directory.path)/state") + Int64(mirror.log.utf8.count)
                AttackFigures.report("\(count) made-up URLs of 7 KB: state and log", AttackFigures.mebibytes(taken), limit: "32 MiB")
                #expect(taken < 32 << 20)
            }
        }
    }

    private static func size(of directory: String) throws -> Int64 {
        try FileManager.default.subpathsOfDirectory(atPath: directory).reduce(0) { sum, name in
            sum + ((try FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")[.size] as? NSNumber)?.int64Value ?? 0)
        }
    }
}
