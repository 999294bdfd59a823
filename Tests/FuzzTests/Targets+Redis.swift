import Logging
import NIOCore
import NIOEmbedded

@testable import RedisClient

extension FuzzTarget {
    private static let handshake =
        "%2\r\n+server\r\n+redis\r\n+version\r\n+7.2.0\r\n+OK\r\n*3\r\n+master\r\n:0\r\n*0\r\n+PONG\r\n>3\r\n+subscribe\r\n+changes\r\n:1\r\n"

    static let redis: [FuzzTarget] = [
        // A whole connection, without a socket: the handshake, replies in their turn, pushes between them, a script that is not known yet.
        FuzzTarget(
            "redis-connection",
            seeds: [
                handshake
                    + "$1\r\nv\r\n:1\r\n+OK\r\n-NOSCRIPT No matching script.\r\n>3\r\n+subscribe\r\n+more\r\n:2\r\n+OK\r\n*1\r\n_\r\n",
                handshake
                    + ">3\r\n+message\r\n+changes\r\n$3\r\na:b\r\n$1\r\nv\r\n>2\r\n+invalidate\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n>2\r\n+invalidate\r\n_\r\n",
                handshake + "-MOVED 7 a.example:6379\r\n-READONLY no\r\n-WRONGTYPE no\r\n", "-NOAUTH Authentication required.\r\n",
                "%1\r\n+version\r\n+6.2\r\n", "-ERR unknown command 'HELLO'\r\n",
            ],
            words: [
                "\r\n", "$", "*", "%", "~", ">", "|", ":", "-1", "+", "_\r\n", "$-1\r\n", "+OK\r\n", "+PONG\r\n", "-NOPERM no\r\n",
                "-NOSCRIPT no\r\n",
                "-MISCONF no\r\n", ">3\r\n+subscribe\r\n+more\r\n:2\r\n", ">3\r\n+message\r\n+changes\r\n$1\r\na\r\n",
                ">2\r\n+invalidate\r\n_\r\n", handshake,
            ]
        ) { bytes in
            try RedisExchange().run(bytes[...])
            // The same behind a handshake that is right.
            try RedisExchange().run(handshake.utf8 + bytes)
        }
    ]
}

/// A connection to a server that sends what it wants, and who uses it.
private final class RedisExchange: RedisConnectionOwner {
    private let loop = EmbeddedEventLoop()
    private var asked = 0
    private var answered = 0
    private var endings = 0

    func run(_ bytes: some Collection<UInt8>) throws {
        let address = RedisConfiguration.Address(host: "127.0.0.1", port: 6_379)
        let context = RedisContext(
            configuration: RedisConfiguration(addresses: [address]), loop: loop, tls: nil,
            outbox: Outbox(maxCommands: 10, maxBytes: 1 << 20),
            status: RedisStatus(), logger: Logger(label: "fuzz", factory: { _ in SwiftLogNoOpLogHandler() }), onEvent: { _ in })
        let plan = RedisHandshake.Plan(clientName: "fuzz", isTracking: true, asksRole: true, channels: ["changes"])
        let connection = RedisConnection(to: address, plan, context, owner: self)
        let channel = EmbeddedChannel(handler: connection, loop: loop)
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        try channel.connect(to: SocketAddress(ipAddress: address.host, port: address.port)).wait()
        let middle = bytes.index(bytes.startIndex, offsetBy: bytes.count / 2)
        for piece in [bytes[..<middle], bytes[middle...]] {
            try channel.writeInbound(ByteBuffer(bytes: piece))
            loop.run()
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        try require(endings == 1, "the end was told \(endings) times")
        try require(asked == answered, "\(answered) answers to \(asked) commands")
    }

    func connectionIsReady(_ connection: RedisConnection) {
        for key in ["a", "b"] {
            asked += 1
            connection.ask(["GET", .text(key)]) { [self] _ in answered += 1 }
        }
        asked += 1
        let done = NIOLoopBound({ [self] in answered += 1 }, eventLoop: loop)
        let script = RedisScript("return {}")
        connection.send(
            PendingCommand(
                command: RedisCommand(["EVALSHA", .text(script.digest), 0], key: nil), script: script, isTracked: true,
                deadline: .distantFuture, answer: .callback { _ in done.value() }))
        connection.subscribe(to: ["more"])
    }

    func connectionEnded(_ connection: RedisConnection, _ error: RedisError) { endings += 1 }
    func connectionHealthChanged(_ connection: RedisConnection) {}
    func connection(_ connection: RedisConnection, told event: RedisEvent) {}
    func connection(_ connection: RedisConnection, subscribedTo channel: String) {}
    func connection(_ connection: RedisConnection, refused command: PendingCommand, _ error: RedisError) -> Bool { false }
}
