#if os(Linux)
    import HTTPTypes
    import HummingbirdCore
    import Logging
    import MirrorCore
    import MirrorState
    import MirrorStorage
    import MirrorTesting
    import NIOCore
    import NIOPosix
    import Synchronization
    import Testing

    @testable import MirrorEngine
    @testable import MirrorServer

    /// Which requests are answered in front of NIO. What clients get is what the other tests of this module compare:
    /// with `CLOUD_MIRROR_FRONT=epoll` in the environment, their mirrors have a front, too.
    @Suite(.timeLimit(.minutes(2)))
    struct FrontTests {
        private static let hit = RequestStream.hit
        private static let other = "/other"

        /// What neither the front nor the fast path of NIO's connections has answered.
        private final class Targets: Sendable {
            private let targets = Mutex<[String]>([])

            var all: [String] { targets.withLock { $0 } }

            func note(_ target: String?) { targets.withLock { $0.append(target ?? "") } }
        }

        /// A front of one thread, with one hit in memory. Everything else is answered with 200.
        private struct Scene {
            let port: Int
            let front: Front
            let tasks = ConnectionTasks()
            let slow = Targets()

            init(_ listener: any Channel, maxConnections: Int, _ loops: MultiThreadedEventLoopGroup) async throws {
                let (world, registry) = (World(), MetricsRegistry())
                let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
                let metrics = ConnectionMetrics(factory: registry)
                let (slow, table) = (slow, try Scene.table(world, registry))
                port = try require(listener.localAddress?.port)
                front = Front(
                    maxConnections: maxConnections, shortage: AcceptShortage(metrics: metrics, logger: logger), group: loops, logger: logger
                )
                front.serve(
                    with: MirrorChannel(
                        responder: { request, writer, _ in
                            slow.note(request.head.path)
                            try await writer.writeResponse(HTTPResponse(status: .ok, headerFields: [.contentLength: "0"]))
                        },
                        table: table, coalescing: nil, pools: PoolTable([]), selector: Reloadable(PoolSelector(SelectionConfiguration())),
                        shares: AddressShares(limit: 100, isExempt: { _ in false }, metrics: metrics, logger: logger), tasks: tasks,
                        metrics: metrics, tls: nil,
                        uses: TargetUses(
                            recorder: UseRecorder(state: world.state, coarseness: .seconds(60), clock: world.clock, logger: logger)),
                        clock: world.clock, idleTimeout: .hours(1), bodyTimeout: .hours(1), maxHeaderBytes: 32_768))
                let front = front
                try #require(try await listener.eventLoop.submit { front.open(listener) }.get())
            }

            private static func table(_ world: World, _ registry: MetricsRegistry) throws -> FastPathTable {
                let table = FastPathTable(index: world.state, forms: AnswerForms(status: .found, registry: registry))
                let (id, now) = (try world.id(RequestStream.hitPath), world.clock.now)
                let object = StoredObject(key: ObjectKey(id.artifact), size: 1, sha256: nil, storedAt: now, lastUsed: now)
                let location = ObjectLocation(url: "/\(object.key.percentEncoded)", expires: nil)
                table.remember(
                    ReplicaRedirect(
                        id: id, outcome: .hit, object: object, location: location, notAfter: nil, token: world.state.token(of: id)),
                    location: location.url, to: Array(hit.utf8), .named, epoch: table.epoch, at: now)
                return table
            }

            /// Returns once the front has read what was sent to it before: it has one thread, which looks at all sockets in each turn.
            func readWhatCame() async throws {
                try await RawConnection.run(port: port) { other in
                    for _ in 0..<2 { _ = try await other.get(hit) }
                }
            }
        }

        private func run(maxConnections: Int = 100, _ body: @escaping @Sendable (Scene) async throws -> Void) async throws {
            let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let listener = try await ServerBootstrap(group: loops).bind(host: "127.0.0.1", port: 0).get()
            let scene = try await Scene(listener, maxConnections: maxConnections, loops)
            let result = await withTaskGroup(of: Result<Void, any Error>?.self) { group in
                group.addTask {
                    await scene.front.run()
                    return nil
                }
                group.addTask {
                    do { return .success(try await body(scene)) } catch { return .failure(error) }
                }
                var result: Result<Void, any Error>?
                for await ended in group {
                    if let ended { result = ended }
                    scene.front.stop()
                }
                return result
            }
            scene.tasks.cancel()
            await scene.tasks.drain()
            try await listener.close().get()
            try await loops.shutdownGracefully()
            try result?.get()
        }

        @Test func `hits are answered without NIO, and a connection that asks for anything else stays with NIO`() async throws {
            try await run { scene in
                try await RawConnection.run(port: scene.port) { connection in
                    for _ in 1...3 {
                        let answer = try await connection.get(Self.hit)
                        #expect(answer.status == 302)
                    }
                    // Each connection of NIO's has a task that ends with it.
                    await scene.tasks.drain()
                    #expect(scene.slow.all.isEmpty)
                    let first = try await connection.get(Self.other)
                    #expect(first.status == 200)
                    #expect(scene.slow.all == [Self.other])
                    let second = try await connection.get(Self.hit)
                    #expect(second.status == 302)
                    #expect(scene.slow.all == [Self.other])
                }
            }
        }

        @Test func `what follows a hit in a pipeline is answered in its order`() async throws {
            try await run { scene in
                try await RawConnection.run(port: scene.port) { connection in
                    let targets = [Self.hit, Self.hit, Self.other, Self.hit, Self.other]
                    await connection.send(targets.map { RequestStream.request("GET", $0) }.joined())
                    for target in targets {
                        let answer = try await connection.response()
                        #expect(answer.status == (target == Self.hit ? 302 : 200))
                    }
                    #expect(scene.slow.all == [Self.other, Self.other])
                }
            }
        }

        @Test(arguments: [2, FrontLoop.maxPieces, FrontLoop.maxPieces + 1])
        func `a head in a few pieces is answered without NIO, and one in more is not`(pieces: Int) async throws {
            try await run { scene in
                let bytes = Array(RequestStream.request().utf8)
                try await RawConnection.run(port: scene.port) { connection in
                    for piece in 0..<(pieces - 1) {
                        await connection.send(Array(bytes[(piece * 8)..<((piece + 1) * 8)]))
                        try await scene.readWhatCame()
                    }
                    await connection.send(Array(bytes[((pieces - 1) * 8)...]))
                    let response = try await connection.response()
                    let isFew = pieces <= FrontLoop.maxPieces
                    #expect(response.status == (isFew ? 302 : 200))
                    #expect(scene.slow.all == (isFew ? [] : [Self.hit]))
                }
            }
        }

        @Test(arguments: [hit, other]) func `a connection that ends makes room for another one, wherever it was served`(target: String)
            async throws
        {
            try await run(maxConnections: 1) { scene in
                for _ in 1...20 {
                    _ = try await RawConnection.run(port: scene.port, sending: RequestStream.request("GET", target)) {
                        try await $0.response()
                    }
                }
            }
        }

        @Test(arguments: [other, hit]) func `a request is answered whose client sends nothing more, wherever that is`(target: String)
            async throws
        {
            try await run { scene in
                for _ in 1...50 {
                    try await RawConnection.run(port: scene.port) { connection in
                        await connection.send(RequestStream.request("GET", target))
                        await connection.finishSending()
                        let answer = try await connection.response()
                        #expect(answer.status == (target == Self.hit ? 302 : 200))
                    }
                }
            }
        }

        @Test func `what is no beginning of a plain request does not wait for more`() async throws {
            try await run { scene in
                for bytes in ["\u{16}\u{3}\u{1}\u{2}\u{0}", "SSH-2.0-x\r\n"] {
                    try await RawConnection.run(port: scene.port) { connection in
                        await connection.send(bytes)
                        let answer = try await connection.response()
                        #expect(answer.status == 400)
                    }
                }
            }
        }

        @Test func `connections without a request in progress are closed at the end, and a cancelled front closes all`() async throws {
            try await run { scene in
                let (first, second) = (try await RawConnection.open(port: scene.port), try await RawConnection.open(port: scene.port))
                let answer = try await first.get(Self.hit)
                #expect(answer.status == 302)
                await second.send("GET /")
                try await scene.readWhatCame()
                scene.front.stop()
                for connection in [first, second] {
                    let end = try await connection.rest()
                    #expect(end.bytes.isEmpty)
                    await connection.close()
                }
                scene.front.cancel()
            }
        }
    }
#endif
