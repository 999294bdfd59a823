import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestServers
import Testing

@testable import RedisClient

extension ServerTests {
    /// What a slot of a cluster that moves asks of a connection that stands.
    @Suite("Later subscriptions")
    struct Subscriptions {
        @Test("A subscription that is refused ends the connection: no reply is taken for another command's")
        func refused() async throws {
            let server = try await RedisServer.start(["--user", "default", "on", "nopass", "~*", "resetchannels", "&news", "+@all"])
            let scene = Scene(server.address)
            try await scene.loop.submit { scene.start() }.get()
            let answers = try await scene.run(subscribingTo: "others")
            #expect(answers.ends.count == 1 && answers.ends[0].code == .server("NOPERM"))
            #expect(answers.ends[0].message.contains("ACL"))
            for (number, answer) in answers.replies { #expect(answer == "\(number)" || answer == "lost", "\(number): \(answer)") }
            #expect(answers.replies.count == 20)
        }

        @Test("One that is confirmed has its place among the replies")
        func confirmed() async throws {
            let server = try await RedisServer.start(["--user", "default", "on", "nopass", "~*", "resetchannels", "&news", "+@all"])
            let scene = Scene(server.address)
            try await scene.loop.submit { scene.start() }.get()
            let answers = try await scene.run(subscribingTo: "news")
            #expect(answers.ends.isEmpty && answers.channels == ["news"])
            for (number, answer) in answers.replies { #expect(answer == "\(number)") }
            #expect(answers.replies.count == 20)
            try await scene.loop.submit { scene.stop() }.get()
        }
    }
}

/// One connection by itself, and what it tells.
private final class Scene: RedisConnectionOwner, Sendable {
    struct Told: Sendable {
        var isReady = false
        var replies: [Int: String] = [:]
        var ends: [RedisError] = []
        var channels: [String] = []
    }

    let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let told = Mutex(Told())
    private let connection: NIOLoopBoundBox<RedisConnection?>
    private let address: RedisConfiguration.Address

    init(_ address: RedisConfiguration.Address) {
        self.address = address
        connection = .makeBoxSendingValue(nil, eventLoop: loop)
    }

    /// On the event loop, as what follows.
    func start() {
        let configuration = RedisConfiguration.testing(address)
        let context = RedisContext(
            configuration: configuration, loop: loop, tls: nil, outbox: Outbox(maxCommands: 100, maxBytes: 1 << 20), status: RedisStatus(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onEvent: { _ in })
        let made = RedisConnection(to: address, RedisHandshake.Plan(clientName: "test"), context, owner: self)
        connection.value = made
        made.start()
    }

    func stop() { connection.value?.end(RedisError(.closed, "done")) }

    /// Ten commands, the subscription, ten commands, as one packet each.
    func run(subscribingTo channel: String) async throws -> Told {
        try await eventually("it is ready") { self.told.withLock { $0.isReady } }
        try await loop.submit {
            for number in 0..<20 {
                if number == 10 { self.connection.value?.subscribe(to: [channel]) }
                self.connection.value?.ask(["ECHO", .text("\(number)")]) { result in
                    self.told.withLock { $0.replies[number] = (try? result.get())?.string ?? "lost" }
                }
            }
        }.get()
        try await eventually("all is answered") { self.told.withLock { $0.replies.count == 20 } }
        // Both are told before the last answer, or with it.
        try await loop.submit {}.get()
        return told.withLock { $0 }
    }

    func connectionIsReady(_ connection: RedisConnection) { told.withLock { $0.isReady = true } }
    func connectionEnded(_ connection: RedisConnection, _ error: RedisError) { told.withLock { $0.ends.append(error) } }
    func connectionHealthChanged(_ connection: RedisConnection) {}
    func connection(_ connection: RedisConnection, told event: RedisEvent) {}
    func connection(_ connection: RedisConnection, subscribedTo channel: String) { told.withLock { $0.channels.append(channel) } }
    func connection(_ connection: RedisConnection, refused command: PendingCommand, _ error: RedisError) -> Bool { false }
}
