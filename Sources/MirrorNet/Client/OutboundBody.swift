import AsyncHTTPClient
import MirrorCore
public import NIOCore
import NIOHTTP1
import Synchronization

/// The body of a response as it arrives; it can be read only once.
///
/// Nothing is read in advance, except what is in the connection's buffers. Dropping the body before its end closes the connection.
/// Errors are ``OutboundError``s, also if the body is shorter than its `Content-Length`, and `CancellationError`.
public struct OutboundBody: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    private let source: Source?

    /// The resources that are held until the body is read or dropped.
    final class Source: Sendable {
        let url: ArtifactURL
        let body: HTTPClientResponse.Body
        let expectedLength: Int64?
        private let held: Mutex<[any Sendable]>
        private let isTaken = Atomic(false)

        init(_ body: HTTPClientResponse.Body, of url: ArtifactURL, expectedLength: Int64?, holding held: [any Sendable]) {
            self.url = url
            self.body = body
            self.expectedLength = expectedLength
            self.held = Mutex(held)
        }

        /// Returns connection and slot before the body itself is deallocated.
        func release() {
            // The held resources may take other locks when they are released, so that must happen outside this lock.
            let released = held.withLock { held in
                defer { held = [] }
                return held
            }
            withExtendedLifetime(released) {}
        }

        func take() -> Bool { !isTaken.exchange(true, ordering: .relaxed) }
    }

    init(_ source: Source?) {
        self.source = source
    }

    /// The body of a response. A body without bytes is read at once, because dropping it would close its connection.
    ///
    /// - Parameter held: The resources that are held until the body is read or dropped.
    static func of(
        _ response: HTTPClientResponse, url: ArtifactURL, isHead: Bool, holding held: [any Sendable]
    ) async throws -> OutboundBody {
        let status = Int(response.status.code)
        let hasBody = !isHead && status >= 200 && status != 204 && status != 304
        let length =
            response.headers.contains(name: "transfer-encoding") ? nil : response.headers.first(name: "content-length").flatMap(Int64.init)
        let body = OutboundBody(Source(response.body, of: url, expectedLength: hasBody ? length : 0, holding: held))
        guard !hasBody || length == 0 else { return body }
        for try await _ in body {}
        return OutboundBody(nil)
    }

    public func makeAsyncIterator() -> AsyncIterator {
        guard let source else { return AsyncIterator(state: .ended) }
        // The client traps on a second iterator.
        guard source.take() else { return AsyncIterator(state: .readTwice(source.url)) }
        return AsyncIterator(state: .reading(source, source.body.makeAsyncIterator()))
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate enum State {
            case reading(Source, HTTPClientResponse.Body.AsyncIterator)
            case readTwice(ArtifactURL)
            case ended
        }

        private var state: State
        private var received: Int64 = 0

        fileprivate init(state: State) {
            self.state = state
        }

        public mutating func next() async throws -> ByteBuffer? {
            switch state {
            case .ended:
                return nil
            case .readTwice(let url):
                state = .ended
                throw OutboundError(.protocolError, "\(url.redacted): the body is read twice")
            case .reading(let source, var iterator):
                do {
                    let chunk = try await iterator.next()
                    state = .reading(source, iterator)
                    if let chunk {
                        received += Int64(chunk.readableBytes)
                        return chunk
                    }
                    // A cancelled stream ends as if it were complete.
                    try Task.checkCancellation()
                    if let expected = source.expectedLength, received != expected {
                        throw OutboundError(.truncated, "\(source.url.redacted): \(received) bytes arrived instead of \(expected)")
                    }
                    state = .ended
                    source.release()
                    return nil
                } catch {
                    state = .ended
                    source.release()
                    throw OutboundError.mapping(error, of: source.url, during: .body)
                }
            }
        }
    }
}
