import MirrorCore
package import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP/1.1 server on 127.0.0.1 that does what a test tells it to, and remembers what it was asked.
///
/// Routes are looked up by path and query, then by path alone; a path without a route is answered with 404.
/// ``stop()`` must be called, or use ``run(_:)``.
package final class FakeOrigin: Sendable {
    /// A request as it arrived.
    package struct Request: Sendable {
        package let method: String
        /// Path and query as they were sent.
        package let uri: String
        package let headers: [(name: String, value: String)]
        /// Counts the requests to this path, from 1.
        package let number: Int
        /// Counts the connections, from 1: the same number, the same connection.
        package let connection: Int

        package var path: String { String(uri.prefix { $0 != "?" }) }

        /// The first value of a field; the case of `name` does not matter.
        package func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    struct State: Sendable {
        var routes: [String: @Sendable (Request) -> FakeBehavior] = [:]
        var rest: (@Sendable (Request) -> FakeBehavior)?
        var requests: [Request] = []
        var active = 0
        var maxActive = 0
        var connections = 0
        var openConnections = 0
    }

    typealias Listener = NIOAsyncChannel<FakeOriginConnection, Never>

    package let port: Int
    let state: WatchedState<State>
    private let server: Task<Void, any Error>

    /// Listens on a free port, on the process's own event loops unless a group is given.
    package static func start(eventLoopGroup: (any EventLoopGroup)? = nil) async throws -> FakeOrigin {
        let state = WatchedState(State())
        let listener = try await ServerBootstrap(group: eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try FakeOriginConnection(channel, state: state) }
            }
        return FakeOrigin(port: listener.channel.localAddress?.port ?? 0, listener: listener, state: state)
    }

    /// Starts an origin, runs `body` and stops it.
    package static func run<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (FakeOrigin) async throws -> Result
    ) async throws -> Result {
        let origin = try await start()
        return try await ending {
            try await body(origin)
        } with: {
            await origin.stop()
        }
    }

    private init(port: Int, listener: Listener, state: WatchedState<State>) {
        self.port = port
        self.state = state
        server = Task {
            try await withThrowingDiscardingTaskGroup { group in
                try await listener.executeThenClose { connections in
                    for try await connection in connections {
                        group.addTask { await connection.serve() }
                    }
                }
            }
        }
    }

    deinit {
        server.cancel()
    }

    /// Closes all connections, also those that wait at a gate, and returns once they are closed.
    package func stop() async {
        server.cancel()
        _ = await server.result
    }

    /// `http://127.0.0.1:port` and the path, which begins with `/`.
    package func url(_ path: String) -> String {
        "http://127.0.0.1:\(port)\(path)"
    }

    // MARK: The script

    /// The n-th request is answered by the n-th behavior, later ones by the last.
    package func on(_ path: String, _ behaviors: FakeBehavior...) {
        on(path, behaviors)
    }

    /// The n-th request is answered by the n-th behavior, later ones by the last.
    package func on(_ path: String, _ behaviors: [FakeBehavior]) {
        on(path) { request in
            behaviors.isEmpty ? .status(404) : behaviors[min(request.number, behaviors.count) - 1]
        }
    }

    /// Asks `answer` for every request; it runs under a lock and must not call the origin.
    package func on(_ path: String, _ answer: @escaping @Sendable (Request) -> FakeBehavior) {
        state.change { $0.routes[path] = answer }
    }

    /// Asks `answer` for every request that no other route answers, as ``on(_:_:)-(String,_)`` does.
    package func on(everything answer: @escaping @Sendable (Request) -> FakeBehavior) {
        state.change { $0.rest = answer }
    }

    // MARK: What was seen

    package var requests: [Request] { state.current.requests }

    /// In the order of their arrival.
    package func requests(for path: String) -> [Request] {
        requests.filter { $0.path == path }
    }

    /// The n-th request to a path, counted from 1, as soon as it has arrived.
    package func request(_ number: Int = 1, for path: String) async throws -> Request {
        try await state.value { state in state.requests.first { $0.path == path && $0.number == number } }
    }

    /// Requests that are being answered.
    package var activeRequests: Int { state.current.active }
    /// The most that were being answered at once.
    package var maxActiveRequests: Int { state.current.maxActive }
    /// How many connections were accepted since the start.
    package var connectionCount: Int { state.current.connections }
    package var openConnections: Int { state.current.openConnections }

    /// Returns once no more than `count` connections are open.
    package func connections(atMost count: Int) async throws {
        try await state.value { $0.openConnections <= count ? () : nil }
    }
}
