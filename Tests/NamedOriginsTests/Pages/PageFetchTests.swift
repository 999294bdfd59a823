import MirrorCore
import MirrorNet
import MirrorSettings
import MirrorTesting
import TestServers
import Testing

@testable import NamedOrigins

@Suite("Pages: how many are fetched at a time", .timeLimit(.minutes(5)))
struct PageFetchTests {
    @Test("So many pages are fetched at a time, and no more")
    func maxFetches() async throws {
        var configuration = PageConfiguration()
        configuration.maxFetches = 1
        try await PageScene.run(configuration) { scene async throws in
            let gate = FakeGate()
            scene.origin.on("/a", .text("one").with { $0.gate = gate })
            scene.origin.on("/b", .text("two"))
            let request = try scene.request("/a")
            let first = Task { try await scene.service.page(request) }
            try await gate.waiting()
            #expect(try await scene.failure("/b") == .unavailable)
            gate.open()
            #expect(try await first.value.text == "one")
            #expect(try await scene.page("/b").text == "two")
        }
    }

    @Test("So many pages are fetched for single clients at a time, and no more; pages for everybody do not count")
    func maxPrivateFetches() async throws {
        var configuration = PageConfiguration()
        configuration.maxFetches = 1
        try await PageScene.run(configuration) { scene async throws in
            var scene = scene
            scene.named = NamedOrigin(name: "index", url: scene.named.url, credentials: .client)
            let gate = FakeGate()
            scene.origin.on("/a", .text("one").with { $0.gate = gate })
            scene.origin.on("/b", .text("two"))
            let (service, request) = (scene.service, try scene.request("/a") { $0.authorization = Secret("own") })
            let first = Task { try await service.page(request) }
            try await gate.waiting()
            #expect(try await scene.failure("/b") { $0.authorization = Secret("other") } == .unavailable)
            #expect(try await scene.failure("/b") == nil)
            gate.open()
            #expect(try await first.value.text == "one")
            #expect(try await scene.failure("/b") { $0.authorization = Secret("other") } == nil)
        }
    }

    @Test("An origin that is slow keeps no pages of others from being fetched, for everybody or for one client", arguments: [false, true])
    func shareOfFetches(isPrivate: Bool) async throws {
        var configuration = PageConfiguration()
        configuration.maxFetches = 4
        try await PageScene.run(configuration) { scene async throws in
            var scene = scene
            if isPrivate { scene.named = NamedOrigin(name: "index", url: scene.named.url, credentials: .client) }
            let (service, gate) = (scene.service, FakeGate())
            for path in ["/a", "/b", "/d", "/e"] { scene.origin.on(path, .text("slow").with { $0.gate = gate }) }
            scene.origin.on("/c", .text("content"))
            func request(_ path: String, at host: String = "127.0.0.1") throws -> PageRequest {
                let url = try ArtifactURL("http://\(host):\(scene.origin.port)\(path)")
                return try scene.request(path) {
                    $0.url = url
                    if isPrivate { $0.authorization = Secret("own") }
                }
            }
            func expectNone(_ request: PageRequest) async {
                await #expect { try await service.page(request) } throws: { ($0 as? PageError)?.code == .unavailable }
            }
            var slow: [Task<PageAnswer, any Error>] = []
            func begin(_ request: PageRequest) { slow.append(Task { try await service.page(request) }) }

            for path in ["/a", "/b"] { begin(try request(path)) }
            try await gate.waiting(2)
            await expectNone(try request("/c"))
            #expect(try await service.page(try request("/c", at: "files.example")).text == "content")
            // Together they may have as many as there are for all.
            for path in ["/d", "/e"] { begin(try request(path, at: "files.example")) }
            try await gate.waiting(4)
            await expectNone(try request("/c", at: "auth.example"))
            gate.open()
            for task in slow { #expect(try await task.value.text == "slow") }
            #expect(try await service.page(try request("/c")).text == "content")
        }
    }
}
