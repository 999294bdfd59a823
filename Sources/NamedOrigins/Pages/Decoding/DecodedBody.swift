import MirrorNet
import NIOCore
import NIOHTTP1

/// The body of an origin's answer, without its content coding.
///
/// Only identity is requested, but some servers send gzip anyway.
struct DecodedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// Whether the origin's answer differs in length and bytes from the decoded body.
    let isEncoded: Bool
    private let body: OutboundBody
    private let isGzip: Bool

    /// - Parameter isHead: Whether there are no bytes to decode.
    /// - Returns: `nil` for a coding that is not known; ``codings(_:)`` names it.
    init?(_ response: OutboundResponse, isHead: Bool = false) {
        let codings = Self.codings(response.headers)
        isEncoded = !codings.isEmpty
        isGzip = ["gzip", "x-gzip"].contains(codings) && !isHead
        guard isGzip || !isEncoded || isHead else { return nil }
        body = response.body
    }

    /// The content codings of an answer (RFC 9110 §8.4), without those that change nothing.
    static func codings(_ headers: HTTPHeaders) -> String {
        headers[canonicalForm: "content-encoding"].map { $0.lowercased() }.filter { $0 != "identity" && $0 != "" }.joined(separator: ", ")
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(source: body.makeAsyncIterator(), decoder: isGzip ? GzipDecoder() : nil)
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        private var source: OutboundBody.AsyncIterator
        private let decoder: GzipDecoder?

        fileprivate init(source: OutboundBody.AsyncIterator, decoder: GzipDecoder?) {
            self.source = source
            self.decoder = decoder
        }

        /// - Throws: ``GzipError``, and what the body throws.
        mutating func next() async throws -> ByteBuffer? {
            guard let decoder else { return try await source.next() }
            while true {
                let piece = try decoder.next()
                if !piece.isEmpty { return ByteBuffer(bytes: piece) }
                guard let chunk = try await source.next() else {
                    try decoder.finish()
                    return nil
                }
                decoder.add(chunk)
            }
        }
    }
}
