#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import TestServers
import Testing

/// `make fuzz` runs these for as long as it is told to; otherwise each tries a few thousand inputs, the same in each run.
@Suite("Fed with nonsense", .serialized)
struct FuzzTests {
    private static let settings = FuzzSettings.current
    private static let parsers = settings.chosen(FuzzTarget.all) { $0.name }
    private static let clients = settings.chosen(ClientTarget.all) { $0.name }

    @Test("Whatever the bytes are, the parser returns", arguments: parsers)
    func stands(_ target: FuzzTarget) throws {
        let count = try FuzzRun(target: target, settings: Self.settings).run()
        #expect(count > target.seeds.count)
        report(target.name, count)
    }

    @Test("Whatever a server answers, the client's request ends", arguments: clients)
    func ends(_ target: ClientTarget) async throws {
        let began = ContinuousClock.now
        let count = try await ClientRun(target: target, settings: Self.settings).run()
        #expect(count >= target.seeds.count)
        report(target.name, count, began.duration(to: .now))
    }

    private func report(_ name: String, _ count: Int, _ took: Duration? = nil) {
        guard Self.settings.isAskedFor else { return }
        print("\(name): \(count) inputs, seed \(Self.settings.seed)\(took.map { ", \($0)" } ?? "")")
    }

    @Test("Each target takes its good input, so that the nonsense gets further than the first byte", arguments: FuzzTarget.all)
    func takesItsSeeds(_ target: FuzzTarget) throws {
        for seed in target.seeds {
            #expect(throws: Never.self, "\(target.name): \(String(decoding: seed, as: UTF8.self))") { try target.run(seed) }
        }
    }

    @Test("Each client takes good answers", arguments: ClientTarget.all)
    func takesGoodAnswers(_ target: ClientTarget) async throws {
        for seed in target.seeds {
            await #expect(throws: Never.self, "\(target.name): \(String(decoding: seed, as: UTF8.self))") {
                try await ClientRun(target: target, settings: Self.settings).run(seed)
            }
        }
    }

    @Test("Each client that can do without sockets takes them, too", arguments: ClientTarget.all.filter { $0.socketless != nil })
    func takesGoodAnswersWithoutSockets(_ target: ClientTarget) throws {
        let connection = SocketlessConnection(try #require(try target.socketless?()))
        defer { connection.close() }
        for seed in target.seeds {
            #expect(throws: Never.self, "\(target.name): \(String(decoding: seed, as: UTF8.self))") { try connection.run(Exchange(seed)) }
        }
    }

    @Test("A client that believes what it is sent does not live through it: these tests can fail")
    func unguarded() async {
        #if arch(x86_64)
            let trap = SIGILL
        #else
            let trap = SIGTRAP
        #endif
        await #expect(processExitsWith: .signal(trap)) {
            _ = try await ClientRun(target: .unguarded, settings: .current).run()
        }
        Crumb.removeAll(of: ClientTarget.unguarded.name)
    }

    @Test("A name stands for one target, and each name that was asked for does")
    func names() {
        // The last three are in MirrorServerTests.
        let names = FuzzTarget.all.map(\.name) + ClientTarget.all.map(\.name) + ["server", "server-tls", "server-tls-inside"]
        #expect(Set(names).count == names.count)
        for name in Self.settings.names ?? [] { #expect(names.contains(name), "\(name) is no target") }
    }
}
