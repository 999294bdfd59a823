import NIOCore
import NIOPosix
import Synchronization

/// Accepts connections on 127.0.0.1, and says nothing on any of them.
final class SilentServer: Sendable {
    let port: Int
    private let listener: any Channel
    private let accepted: Accepted

    private final class Accepted: Sendable {
        private let channels = Mutex<[any Channel]>([])

        var count: Int { channels.withLock { $0.count } }

        func add(_ channel: any Channel) { channels.withLock { $0.append(channel) } }

        func closeAll() {
            for channel in channels.withLock({ $0 }) { channel.close(promise: nil) }
        }
    }

    static func run<Result>(isolation: isolated (any Actor)? = #isolation, _ body: (SilentServer) async throws -> Result) async throws
        -> Result
    {
        let accepted = Accepted()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelInitializer { channel in
                accepted.add(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = SilentServer(listener, accepted)
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(server))
        } catch {
            outcome = .failure(error)
        }
        try await listener.close().get()
        accepted.closeAll()
        return try outcome.get()
    }

    private init(_ listener: any Channel, _ accepted: Accepted) {
        self.listener = listener
        self.accepted = accepted
        port = listener.localAddress?.port ?? 0
    }

    /// Connections that have come so far.
    var connectionCount: Int { accepted.count }

    /// The pool ``poolName``, whose service it plays.
    var pool: String {
        """
        \(Self.poolName): {bucket: silent, endpoint: "http://127.0.0.1:\(port)", addressing: path, \
        credentials: {accessKeyID: key, secretAccessKey: secret}, access: presigned}
        """
    }

    static let poolName = "s3/silent"
}
