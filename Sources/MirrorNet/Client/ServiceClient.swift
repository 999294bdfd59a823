import AsyncHTTPClient
package import Logging
import MirrorCore
public import NIOCore
public import NIOHTTP1
import Synchronization

/// Talks to services that the operator configured: object storage, token and metadata services.
///
/// There is no egress policy, because only the operator decides where these requests go. Redirects are not followed, nothing is decompressed,
/// and proxies and cookies are not used. The target is sent byte for byte, because signatures depend on it.
public final class ServiceClient: Sendable {
    private let configuration: OutboundConfiguration
    private let client: HTTPClient
    private let slots: RequestSlots
    private let logger: Logger
    private let isShutDown = Atomic(false)
    private let services = Mutex<[Place: Service]>([:])

    /// Where a service is, as requests say it.
    private struct Place: Hashable {
        let scheme: ArtifactURL.Scheme
        let host: String
        let port: Int
    }

    private struct Service {
        /// Without a path; used in errors.
        let url: ArtifactURL
        /// Whose slots its requests take.
        let origin: String
    }

    /// Bytes passed to the connection at a time: the fewer, the sooner a stalled transfer is noticed.
    private static let chunkSize = 1 << 20
    /// Up to this many bytes of an unwanted answer are read to keep its connection.
    private static let maxDiscarded: Int64 = 64 << 10
    /// Services whose URLs are kept: an operator has few of them.
    private static let maxServices = 1_000

    package init(configuration: OutboundConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        client = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: Self.clientConfiguration(configuration))
        slots = RequestSlots(limit: configuration.connectionsPerOrigin)
    }

    deinit {
        // No task waits any more, but the client must be shut down, or it traps.
        guard !isShutDown.load(ordering: .relaxed) else { return }
        let _: EventLoopFuture<Void> = client.shutdown()
    }

    /// Sends a request and returns with the head of the response, whatever its status.
    ///
    /// If the service closes the connection before it answers, the request is sent once more on another one, unless it is a POST or a MOVE, or its body is a
    /// stream. A deletion is sent again only if the connection was kept alive and no byte of an answer has arrived.
    ///
    /// - Throws: ``OutboundError``, what a streamed body threw, or `CancellationError`.
    public func send(_ request: ServiceRequest) async throws -> ServiceResponse {
        let service = try service(of: request)
        let url = service.url
        let slot = try await slots.slot(for: service.origin)
        do {
            let response = try await client.execute(try prepare(request, url)) { request.mayRepeat(after: $0) }
            return try await finish(response, to: request, url: url, slot: slot)
        } catch let error as ServiceBody.StreamFailure {
            throw error.cause
        } catch {
            throw OutboundError.mapping(error, of: url, during: .head)
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// - Parameter limit: The maximum length of the body in bytes.
    /// - Throws: As ``send(_:)``; `.protocolError` if the body is longer than `limit`.
    public func collect(
        _ request: ServiceRequest, upTo limit: Int
    ) async throws -> (status: Int, headers: HTTPHeaders, body: ByteBuffer) {
        let response = try await send(request)
        var body = ByteBuffer()
        for try await var chunk in response.body {
            guard body.readableBytes + chunk.readableBytes <= limit else {
                throw OutboundError(.protocolError, "\(request.host) answers with more than \(limit) bytes")
            }
            body.writeBuffer(&chunk)
        }
        return (response.status, response.headers, body)
    }

    /// Reads the rest of a short answer, so that its connection can be reused; a long answer is dropped with its connection.
    public static func discard(_ response: ServiceResponse) async {
        guard let length = response.contentLength, length <= maxDiscarded else { return }
        // It does not matter if an unwanted answer breaks off.
        do { for try await _ in response.body {} } catch {}
    }

    /// Fails requests in progress; returns once all connections are closed. Nothing can be sent afterwards.
    public func shutdown() async {
        guard !isShutDown.exchange(true, ordering: .relaxed) else { return }
        do {
            try await client.shutdown()
        } catch {
            logger.debug("The HTTP client was shut down before", metadata: ["error": "\(error)"])
        }
    }

    // MARK: One request

    private func service(of request: ServiceRequest) throws -> Service {
        let place = Place(scheme: request.scheme, host: request.host, port: request.port)
        if let known = services.withLock({ $0[place] }) { return known }
        let host = request.host.contains(":") ? "[\(request.host)]" : request.host
        let url: ArtifactURL
        do {
            url = try ArtifactURL("\(request.scheme.rawValue)://\(host):\(request.port)/")
        } catch {
            throw OutboundError(.unresolvable, "\(request.host):\(request.port) is not the address of a service: \(error.reason)")
        }
        let service = Service(url: url, origin: "\(url.scheme.rawValue)://\(url.authority)")
        services.withLock { services in
            if services.count >= Self.maxServices { services = [:] }
            services[place] = service
        }
        return service
    }

    func prepare(_ request: ServiceRequest, _ url: ArtifactURL) throws -> HTTPClientRequest {
        guard request.target.utf8.first == UInt8(ascii: "/"), request.target.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw OutboundError(.protocolError, "\(url): the target of the request is not percent-encoded")
        }
        var prepared = HTTPClientRequest(url: url.description)
        prepared.method = request.method
        prepared.headers = request.headers
        prepared.headers.remove(name: RequestTargetHandler.fieldName)
        prepared.headers.add(name: RequestTargetHandler.fieldName, value: request.target)
        prepared.addDefaults(configuration)
        switch request.body {
        case .none: prepared.body = nil
        case .bytes(let buffers):
            let length = buffers.reduce(0) { $0 + Int64($1.readableBytes) }
            prepared.body =
                length <= Int64(Self.chunkSize) && buffers.count == 1
                ? .bytes(buffers[0]) : .stream(Slices(buffers: buffers, size: Self.chunkSize), length: .known(length))
        case .stream(let stream, let length):
            prepared.body = .stream(stream, length: length.map { HTTPClientRequest.Body.Length.known($0) } ?? .unknown)
        }
        return prepared
    }

    func finish(
        _ response: HTTPClientResponse, to request: ServiceRequest, url: ArtifactURL, slot: RequestSlots.Slot
    ) async throws -> ServiceResponse {
        ServiceResponse(
            status: Int(response.status.code), headers: response.headers,
            body: try await .of(response, url: url, isHead: request.method == .HEAD, holding: [slot]))
    }

    static func clientConfiguration(_ configuration: OutboundConfiguration) -> HTTPClient.Configuration {
        var client = HTTPClient.Configuration(configuration)
        client.http1_1ConnectionDebugInitializer = { channel in
            configuration.prepare(channel).flatMapThrowing {
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHandler(KeptConnectionHandler(), position: .after(pipeline.handler(type: HTTPRequestEncoder.self)))
            }
        }
        return client
    }

    /// Bytes in memory as a stream of slices, which waits for the connection between them.
    private struct Slices: AsyncSequence, Sendable {
        let buffers: [ByteBuffer]
        let size: Int

        struct AsyncIterator: AsyncIteratorProtocol {
            var rest: ArraySlice<ByteBuffer>
            let size: Int

            mutating func next() async throws -> ByteBuffer? {
                while var first = rest.popFirst() {
                    guard let slice = first.readSlice(length: Swift.min(size, first.readableBytes)), slice.readableBytes > 0 else {
                        continue
                    }
                    if first.readableBytes > 0 { rest = [first] + rest }
                    return slice
                }
                return nil
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: buffers[...], size: size) }
    }
}

extension ServiceRequest {
    /// Whether the request may safely be sent once more (RFC 9110 §9.2.2).
    ///
    /// A deletion without an answer may still be performed later, after something new has been stored, so the caller must know about it. A deletion
    /// that was sent on an idle connection, which then closed, has not been read (RFC 9112 §9.3.1). A second MOVE would no longer find its source.
    fileprivate func mayRepeat(after error: any Error) -> Bool {
        if case .stream = body { return false }
        if isDeletion || method == .DELETE { return error is KeptConnectionClosed }
        return method != .POST && method != .MOVE && OutboundError.isClosedConnection(error)
    }
}
