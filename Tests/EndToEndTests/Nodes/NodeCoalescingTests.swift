import NIOHTTP1
import TestServers
import Testing

extension EndToEndNodes {
    @Suite(.enabled(if: Fleet.isExpected, "no Redis or no S3 server"), .timeLimit(.minutes(1)))
    struct NodeCoalescingTests {
        @Test("1,000 clients of three front ends ask for one cold artifact: one GET at its origin, one copy, and all are sent to it")
        func oneCopyForAll() async throws {
            let count = 1_000
            let redis = try await RedisServer.start()
            var settings = FleetSettings()
            settings.frontEnds = 3
            settings.maxWait = "25s"
            try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                let gate = FakeGate()
                let behavior = fleet.publish("/cold.bin", size: 50_000)
                fleet.origin.on("/cold.bin", behavior.with { $0.gate = gate })
                let seen = try await withThrowingTaskGroup(of: Seen.self) { group in
                    for client in 0..<count {
                        group.addTask { try await fleet.ask("/cold.bin", of: client % 3) }
                    }
                    for (number, node) in fleet.frontEnds.enumerated() { try await node.waiting((count + 2 - number) / 3) }
                    gate.open()
                    return try await group.reduce(into: [Seen]()) { $0.append($1) }
                }
                #expect(seen.count == count)
                #expect(seen.count { $0.target == .pool && $0.answer.outcome == "wait" } == count)
                #expect(fleet.origin.requests.map(\.method) == ["GET"])
                try await fleet.expect(try #require(seen.last), is: behavior)
                try await fleet.expectCopies(1, by: fleet.copiers)
                for node in fleet.frontEnds { #expect(try await fleet.copies(of: node) == 0) }
                try await fleet.settles()
            }
        }

        @Test("A client may hop from one front end to another while the copy goes on")
        func hopsBetweenNodes() async throws {
            let redis = try await RedisServer.start()
            var settings = FleetSettings()
            (settings.hop, settings.hops) = ("1s", 3)
            try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                let gate = FakeGate()
                let behavior = fleet.publish("/slow.bin", size: 50_000)
                fleet.origin.on("/slow.bin", behavior.with { $0.gate = gate })
                let first = try await fleet.frontEnds[0].redirect(fleet.origin.url("/slow.bin"), in: "s3/one")
                #expect(first.outcome == "hop")
                let second = try await fleet.frontEnds[1].send(.GET, try #require(first.location))
                #expect(second.outcome == "hop")
                #expect(second.location == first.location?.replacing("hop=1", with: "hop=2"))
                gate.open()
                let third = try await fleet.frontEnds[0].send(.GET, try #require(second.location))
                #expect(third.outcome == "wait")
                let copy = try await HTTP.send(.GET, try #require(third.location))
                let isRight = copy.body == behavior.body.bytes(0..<50_000)
                #expect(isRight)
                #expect(fleet.origin.requests.map(\.method) == ["GET"])
            }
        }

        @Test("Clients of two front ends ask for an index and its files: each has a page of its own, and each file is copied once")
        func namedOrigin() async throws {
            let redis = try await RedisServer.start()
            var settings = FleetSettings()
            settings.preset = "python"
            try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                let wheel = "/p/six-1.0-py3-none-any.whl"
                let behavior = fleet.publish(wheel, size: 2 << 20)
                fleet.origin.on("\(wheel).metadata", .text("Name: six"))
                fleet.origin.on("/simple/six/", .body(Array("<a href='\(wheel)'>six</a>".utf8), type: "text/html"))
                for node in fleet.frontEnds {
                    #expect(try await node.send(.GET, "/o/index/simple/six/").text == "<a href='/o/index\(wheel)'>six</a>")
                    #expect(try await node.send(.GET, "/o/index\(wheel).metadata").text == "Name: six")
                    let answer = try await node.send(.GET, "/o/index\(wheel)")
                    let file = try await HTTP.send(.GET, try #require(answer.location))
                    let isRight = file.body == behavior.body.bytes(0..<behavior.body.size)
                    #expect(isRight)
                }
                #expect(fleet.fetches("/simple/six/") == 2)
                #expect(fleet.fetches(wheel) == 1 && fleet.fetches("\(wheel).metadata") == 1)
            }
        }

        @Test("What one front end had copied is a hit of every other")
        func hitElsewhere() async throws {
            let redis = try await RedisServer.start()
            try await Fleet.run(redis: redis.url) { fleet async throws in
                let behavior = fleet.publish("/a.bin", size: 12 << 20)
                let first = try await fleet.ask("/a.bin", of: 0)
                #expect(first.answer.outcome == "wait")
                let second = try await fleet.ask("/a.bin", of: 1)
                #expect(second.isHit)
                for seen in [first, second] { try await fleet.expect(seen, is: behavior) }
                try await fleet.settles(of: 1)
            }
        }
    }
}
