import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server on 127.0.0.1 that answers as a test says and remembers what it was asked, with the bodies.
package final class ScriptedServer: Sendable {
    package struct Request: Sendable {
        package let method: String
        package let uri: String
        package let headers: [(name: String, value: String)]
        package let bytes: [UInt8]

        package var body: String { String(decoding: bytes, as: UTF8.self) }

        /// The first value of a field; the case of `name` does not matter.
        package func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }

        /// The fields of a form that is the body.
        package var form: [String: String] {
            var fields: [String: String] = [:]
            for item in body.split(separator: "&") {
                let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, let name = parts[0].removingPercentEncoding, let value = parts[1].removingPercentEncoding else {
                    continue
                }
                fields[name] = value
            }
            return fields
        }
    }

    package struct Answer: Sendable {
        package var status: Int
        /// Beside `Content-Length`.
        package var headers: [(name: String, value: String)]
        /// Not sent in answer to HEAD, whose `Content-Length` says how long it would be.
        package var bytes: [UInt8]

        package init(status: Int = 200, headers: [(name: String, value: String)] = [], bytes: [UInt8]) {
            self.status = status
            self.headers = headers
            self.bytes = bytes
        }

        package init(status: Int = 200, headers: [(name: String, value: String)] = [], body: String = "") {
            self.init(status: status, headers: headers, bytes: Array(body.utf8))
        }

        package var body: String { String(decoding: bytes, as: UTF8.self) }
    }

    package typealias Script = @Sendable (Request) async throws -> Answer
    private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, ByteBuffer>

    package let port: Int
    private let seen = Mutex<[Request]>([])

    package var url: String { "http://127.0.0.1:\(port)" }
    package var requests: [Request] { seen.withLock { $0 } }

    private init(port: Int) {
        self.port = port
    }

    /// Serves while `body` runs. A script that throws hangs up.
    package static func run<Result: Sendable>(
        _ script: @escaping Script, _ body: @escaping @Sendable (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        // Not wrapped before somebody serves it: a writer that is dropped with a connection, as when the listener closes at that moment, ends
        // the process (swift-nio issue 2813).
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    return channel
                }
            }
        let server = ScriptedServer(port: listener.channel.localAddress?.port ?? 0)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await withThrowingDiscardingTaskGroup { connections in
                    try await listener.executeThenClose { incoming in
                        for try await connection in incoming {
                            connections.addTask { try? await server.serve(connection, script) }
                        }
                    }
                }
                return nil
            }
            group.addTask { try await body(server) }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    private func serve(_ channel: any Channel, _ script: Script) async throws {
        let connection = try await channel.eventLoop.submit { try Connection(wrappingChannelSynchronously: channel) }.get()
        try await channel.setOption(.autoRead, value: true).get()
        try await connection.executeThenClose { parts, writer in
            var head: HTTPRequestHead?
            var body: [UInt8] = []
            for try await part in parts {
                switch part {
                case .head(let newHead): (head, body) = (newHead, [])
                case .body(let buffer): body += buffer.readableBytesView
                case .end:
                    guard let current = head else { return }
                    let request = Request(
                        method: current.method.rawValue, uri: current.uri, headers: current.headers.map { ($0.name, $0.value) },
                        bytes: body)
                    seen.withLock { $0.append(request) }
                    let answer = try await script(request)
                    let fields = answer.headers.map { "\($0.name): \($0.value)\r\n" }.joined()
                    var message = ByteBuffer(
                        string: "HTTP/1.1 \(answer.status) Status\r\n\(fields)Content-Length: \(answer.bytes.count)\r\n\r\n")
                    if current.method != .HEAD { message.writeBytes(answer.bytes) }
                    try await writer.write(message)
                }
            }
        }
    }
}
