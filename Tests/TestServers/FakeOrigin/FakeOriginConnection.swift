import NIOCore
import NIOHTTP1

/// One connection of a ``FakeOrigin``: reads requests with NIO's decoder and writes answers byte by byte, because no encoder would send
/// what a bad origin sends.
struct FakeOriginConnection: Sendable {
    private let channel: NIOAsyncChannel<HTTPServerRequestPart, Never>
    private let state: WatchedState<FakeOrigin.State>
    private let number: Int

    init(_ channel: any Channel, state: WatchedState<FakeOrigin.State>) throws {
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        self.channel = try NIOAsyncChannel(wrappingChannelSynchronously: channel)
        self.state = state
        number = state.change { state in
            state.connections += 1
            state.openConnections += 1
            return state.connections
        }
        channel.closeFuture.whenComplete { _ in state.change { $0.openConnections -= 1 } }
    }

    func serve() async {
        // What goes wrong here is the client's hanging up, or the test's end.
        try? await channel.executeThenClose { parts in
            var head: HTTPRequestHead?
            for try await part in parts {
                switch part {
                case .head(let newHead): head = newHead
                case .body: break
                case .end:
                    guard let current = head, try await answer(current) else { return }
                    head = nil
                }
            }
        }
    }

    /// - Returns: Whether the connection is to be kept.
    private func answer(_ head: HTTPRequestHead) async throws -> Bool {
        let (request, behavior) = state.change { state -> (FakeOrigin.Request, FakeBehavior) in
            let path = head.uri.prefix { $0 != "?" }
            let request = FakeOrigin.Request(
                method: head.method.rawValue, uri: head.uri, headers: head.headers.map { ($0.name, $0.value) },
                number: state.requests.count { $0.path == path } + 1, connection: number)
            state.requests.append(request)
            state.active += 1
            state.maxActive = max(state.maxActive, state.active)
            let route = state.routes[head.uri] ?? state.routes[String(path)] ?? state.rest
            return (request, route?(request) ?? .status(404, "no such route"))
        }
        defer { state.change { $0.active -= 1 } }
        try await behavior.gate?.wait()
        if behavior.hangsUp { return false }
        if let raw = behavior.raw {
            try await write(ByteBuffer(bytes: raw))
            return false
        }
        let answer = FakeAnswer(behavior, to: request)
        try await write(ByteBuffer(string: answer.head))
        guard request.method != "HEAD", let range = answer.range else { return answer.keepsConnection && head.isKeepAlive }
        return try await send(range, of: behavior) && answer.keepsConnection && head.isKeepAlive
    }

    /// - Returns: Whether all was sent.
    private func send(_ range: Range<Int64>, of behavior: FakeBehavior) async throws -> Bool {
        var reader = FakeBodyReader(behavior.body)
        var offset = range.lowerBound
        var isStalled = false
        while offset < range.upperBound {
            let sent = offset - range.lowerBound
            var limit = min(Int64(max(1, behavior.chunkSize)), range.upperBound - offset)
            if let stall = behavior.stall, !isStalled {
                if sent >= stall.after {
                    isStalled = true
                    try await stall.gate.wait()
                } else {
                    limit = min(limit, stall.after - sent)
                }
            }
            if let end = behavior.truncateAfter {
                if sent >= end { return false }
                limit = min(limit, end - sent)
            }
            let chunk = reader.chunk(at: offset, upTo: Int(limit))
            offset += Int64(chunk.readableBytes)
            if behavior.framing == .chunked {
                var framed = ByteBuffer(string: String(chunk.readableBytes, radix: 16) + "\r\n")
                framed.writeImmutableBuffer(chunk)
                framed.writeString("\r\n")
                try await write(framed)
            } else {
                try await write(chunk)
            }
            if let pause = behavior.pause { try await Task.sleep(for: pause) }
        }
        if let end = behavior.truncateAfter, range.upperBound - range.lowerBound >= end { return false }
        if behavior.framing == .chunked { try await write(ByteBuffer(string: "0\r\n\r\n")) }
        return true
    }

    /// Returns once the bytes are with the kernel: one write is under way at a time, which is all the back-pressure there must be.
    private func write(_ buffer: ByteBuffer) async throws {
        try await channel.channel.writeAndFlush(buffer)
    }
}

/// The head of an answer and the part of the body that follows it (RFC 9110 §13 and §14).
struct FakeAnswer {
    let head: String
    /// `nil` when no body follows.
    let range: Range<Int64>?
    let keepsConnection: Bool

    init(_ behavior: FakeBehavior, to request: FakeOrigin.Request) {
        let size = behavior.body.size
        var status = behavior.status
        var range = 0..<size
        var headers = behavior.headers
        var hasBody = true
        if let etag = behavior.etag { headers.append(("ETag", etag)) }
        // What writes has its conditions looked at by whoever answers it.
        if status == 200, ["GET", "HEAD"].contains(request.method) {
            if behavior.acceptsRanges { headers.append(("Accept-Ranges", "bytes")) }
            if let expected = request.header("If-Match"), expected != "*", expected != behavior.etag {
                status = 412
            } else if let known = request.header("If-None-Match"), known == "*" || known == behavior.etag {
                status = 304
            } else if behavior.acceptsRanges, request.method == "GET", let field = request.header("Range"),
                request.header("If-Range").map({ $0 == behavior.etag }) ?? true, let asked = Self.range(field, size: size)
            {
                status = asked.isEmpty ? 416 : 206
                range = asked
                headers.append(
                    ("Content-Range", asked.isEmpty ? "bytes */\(size)" : "bytes \(asked.lowerBound)-\(asked.upperBound - 1)/\(size)"))
            }
            if ![200, 206].contains(status) { range = 0..<0 }
        }
        if status == 304 || status == 204 || status < 200 { hasBody = false }
        let length = range.upperBound - range.lowerBound
        switch behavior.framing {
        case .length: if hasBody { headers.append(("Content-Length", String(behavior.statedLength ?? length))) }
        case .chunked: if hasBody { headers.append(("Transfer-Encoding", "chunked")) }
        case .untilClose: headers.append(("Connection", "close"))
        }
        let isLie = behavior.statedLength.map { $0 != length } ?? false
        keepsConnection = behavior.framing != .untilClose && !isLie
        self.range = hasBody ? range : nil
        let version = behavior.framing == .untilClose ? "HTTP/1.0" : "HTTP/1.1"
        head =
            "\(version) \(status) Scripted\r\n" + headers.map { "\($0.name): \($0.value)\r\n" }.joined() + "\r\n"
    }

    /// - Returns: `nil` for a field that is ignored; an empty range for one that cannot be satisfied.
    private static func range(_ field: String, size: Int64) -> Range<Int64>? {
        guard field.hasPrefix("bytes=") else { return nil }
        let ends = field.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        if ends[0].isEmpty {
            guard let count = Int64(ends[1]), count >= 0 else { return nil }
            return max(0, size - count)..<size
        }
        guard let first = Int64(ends[0]), let last = ends[1].isEmpty ? size - 1 : Int64(ends[1]), last >= first || ends[1].isEmpty else {
            return nil
        }
        return first < size ? first..<min(last, size - 1) + 1 : 0..<0
    }
}
