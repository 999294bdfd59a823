import MirrorCore
import MirrorEngine
import MirrorNet
import NamedOrigins
import TestServers
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct RelayMemoryTests {
    private static func network(_ number: Int) -> ClientNetwork { ClientNetwork(IPAddress("192.0.2.\(number)")) }

    @Test func `a network holds a quarter of the memory, all networks hold all of it, and what is over makes room`() throws {
        let memory = RelayMemory(limit: 4_000)
        var holdings = (0..<4).map { memory.holding(for: Self.network($0)) }
        for holding in holdings {
            #expect(throws: RequestError.self) { try holding.hold(1_001) }
            try holding.hold(999)
            try holding.hold(1_000)
            #expect(throws: RequestError.self) { try holding.hold(1_001) }
        }
        let last = memory.holding(for: Self.network(4))
        #expect(throws: RequestError.self) { try last.hold(1) }
        try holdings[0].hold(400)
        try last.hold(600)
        #expect(throws: RequestError.self) { try last.hold(601) }
        // The same network, by another request.
        let other = memory.holding(for: Self.network(1))
        #expect(throws: RequestError.self) { try other.hold(1) }
        holdings.removeAll()
        try other.hold(1_000)
        try last.hold(1_000)
    }

    @Test func `a body for an origin is refused where there is no memory for it, and gives it back`() async throws {
        try await FakeOrigin.run { origin in
            origin.on("/search", .body(Array("{}".utf8), type: "application/json"))
            let options = try NamedRouteTests.passing(to: origin)
            try await MirrorFixture.run(World(), options) { mirror async throws in
                let memory = mirror.server.relays.memory
                let body = String(repeating: "x", count: 1_000)
                let holding = memory.holding(for: nil)
                try holding.hold(memory.limit - 999)
                #expect(try await mirror.request("POST", "/o/api/search", body: body).status == 503)
                #expect(origin.requests.isEmpty)
                try holding.hold(memory.limit - 1_000)
                for _ in 0..<2 { #expect(try await mirror.request("POST", "/o/api/search", body: body).status == 200) }
                withExtendedLifetime(holding) {}
            }
        }
    }
}
