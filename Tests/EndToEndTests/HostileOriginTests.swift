import MirrorCore
import TestServers
import Testing

extension EndToEnd {
    /// Origins that break off, lie or change their mind: a client gets the right bytes or is sent to the origin, never to wrong bytes.
    @Suite(.timeLimit(.minutes(1)))
    struct HostileOriginTests {
        private static let size: Int64 = 2_500_000
        private static let good = FakeBehavior.generated(size: size, seed: 21)

        /// An origin that misbehaves for a while.
        struct Stumble: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let behaviors: @Sendable (FakeGate) -> [FakeBehavior]
        }

        static let stumbles = [
            Stumble(testDescription: "breaks off once") { _ in [good.with { $0.truncateAfter = 700_000 }, good] },
            Stumble(testDescription: "stalls once") { gate in [good.with { $0.stall = (700_000, gate) }, good] },
            Stumble(testDescription: "does not answer once") { gate in [good.with { $0.gate = gate }, good] },
            Stumble(testDescription: "hangs up twice") { _ in [.hangUp, .hangUp, good] },
            Stumble(testDescription: "answers 503 twice") { _ in .failing(2, then: good) },
            Stumble(testDescription: "answers 500 once") { _ in .failing(1, status: 500, then: good) },
            Stumble(testDescription: "states a length that is too long, once") { _ in [good.with { $0.statedLength = size + 1 }, good] },
        ]

        @Test("An origin that recovers gives the right bytes", arguments: stumbles)
        func recovers(_ stumble: Stumble) async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", stumble.behaviors(FakeGate()))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.idleTimeout = "1s"
                try await MirrorProcess.run(settings) { mirror in
                    let artifact = origin.url("/a.bin")
                    let answer = try await mirror.redirect(artifact)
                    #expect(answer.outcome == "wait")
                    let isRight = try await mirror.follow(answer).body == Self.good.body.bytes(0..<Self.size)
                    #expect(isRight)
                    #expect(try mirror.uploads().isEmpty)
                }
            }
        }

        /// An origin that never gives what it says.
        static let lies = [
            Stumble(testDescription: "always breaks off") { _ in [good.with { $0.truncateAfter = 700_000 }] },
            Stumble(testDescription: "always breaks off, without a length") { _ in
                [good.with { ($0.truncateAfter, $0.framing, $0.acceptsRanges) = (700_000, .chunked, false) }]
            },
            Stumble(testDescription: "always stalls") { gate in [good.with { $0.stall = (700_000, gate) }] },
            Stumble(testDescription: "never answers") { gate in [good.with { $0.gate = gate }] },
            Stumble(testDescription: "always states a length that is too long") { _ in [good.with { $0.statedLength = size + 1 }] },
            Stumble(testDescription: "states a length that is too short, and a digest") { _ in
                [
                    good.with {
                        ($0.statedLength, $0.acceptsRanges) = (size - 1, false)
                        $0.headers.append(("Repr-Digest", "sha-256=:\(digest(of: good)):"))
                    }
                ]
            },
            Stumble(testDescription: "states another digest") { _ in
                [good.with { $0.headers.append(("Repr-Digest", "sha-256=:\(digest(of: .generated(size: size, seed: 99))):")) }]
            },
            Stumble(testDescription: "always hangs up") { _ in [.hangUp] },
        ]

        private static func digest(of behavior: FakeBehavior) -> String {
            (try? behavior.body.sha256).map { Base64.encode($0.bytes) } ?? ""
        }

        @Test("An origin that never gives what it says is a redirect to it, and no object", arguments: lies)
        func isNotTrusted(_ lie: Stumble) async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", lie.behaviors(FakeGate()))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.idleTimeout = "1s"
                settings.maxAttempts = 2
                try await MirrorProcess.run(settings) { mirror in
                    let artifact = origin.url("/a.bin")
                    for _ in 1...2 {
                        let answer = try await mirror.redirect(artifact)
                        #expect(answer.status == 302)
                        #expect(answer.outcome == "fallback")
                        #expect(answer.location == artifact)
                    }
                    #expect(try await mirror.replica(artifact)?.state == "error")
                    #expect(try await mirror.local(artifact).status == 404)
                    #expect(try mirror.objects().isEmpty)
                    #expect(try mirror.uploads().isEmpty)
                }
            }
        }

        @Test("An artifact that changes between two ranges becomes one version or the other, never a mixture")
        func changesBetweenRanges() async throws {
            try await FakeOrigin.run { origin in
                let old = Self.good
                let new = FakeBehavior.generated(size: Self.size, seed: 22)
                // The first part is of the old version, everything after it of the new one.
                origin.on("/a.bin", old, new)
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let answer = try await mirror.redirect(origin.url("/a.bin"))
                    #expect(answer.outcome == "wait")
                    let isNew = try await mirror.follow(answer).body == new.body.bytes(0..<Self.size)
                    #expect(isNew)
                    let second = origin.requests[1]
                    #expect(second.header("If-Match") == old.etag)
                }
            }
        }

        @Test("An artifact that changes between two ranges, whose origin heeds no condition, is not mixed either")
        func changesBetweenRangesUnnoticed() async throws {
            try await FakeOrigin.run { origin in
                let new = FakeBehavior.generated(size: Self.size, seed: 22)
                origin.on("/a.bin") { request in
                    // Claims that nothing changed where it is asked, and gives the new bytes with their own tag.
                    guard request.number > 1 else { return Self.good }
                    guard let range = request.header("Range") else { return new }
                    let first = Int64(range.dropFirst("bytes=".count).prefix { $0 != "-" }) ?? 0
                    let last = min(Int64(range.split(separator: "-").last ?? "") ?? 0, Self.size - 1)
                    return FakeBehavior.body(new.body.bytes(first..<last + 1), etag: nil).with {
                        $0.status = 206
                        $0.acceptsRanges = false
                        $0.headers += [("ETag", new.etag ?? ""), ("Content-Range", "bytes \(first)-\(last)/\(Self.size)")]
                    }
                }
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let answer = try await mirror.redirect(origin.url("/a.bin"))
                    #expect(answer.outcome == "wait")
                    let isNew = try await mirror.follow(answer).body == new.body.bytes(0..<Self.size)
                    #expect(isNew)
                }
            }
        }
    }
}
