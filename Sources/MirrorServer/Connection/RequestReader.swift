import NIOCore
import NIOHTTP1

/// Reads one request at a time from a client's input with a new decoder of NIO's, and no byte after the request's end.
///
/// So unanswered requests are kept only as bytes, and any path can read the next one. A request that offers another protocol (`Upgrade`) is handled
/// like any other, although NIO's decoder would read nothing after it: this service never switches, so what follows is HTTP (RFC 9110 §7.8).
final class RequestReader {
    private let connection: ConnectionProgress
    private let limits: NIOHTTPDecoderLimitConfiguration
    /// For the request that is being read.
    private var decoder: HTTPRequestDecoder?
    /// Bytes that the decoder has seen and needs again.
    private var kept = ByteBuffer()
    private var lineEnd = LineEnd.none

    /// How the bytes read so far end.
    private enum LineEnd {
        case none, lineFeed, lineFeedAndReturn
    }

    init(_ connection: ConnectionProgress, limits: NIOHTTPDecoderLimitConfiguration) {
        self.connection = connection
        self.limits = limits
    }

    /// Continues the current request, or begins one, until it ends or the input is used up. Fires its parts.
    ///
    /// - Throws: If the input is not HTTP. Nothing can be read after that.
    func read(_ input: inout ByteBuffer, _ context: ChannelHandlerContext) throws {
        repeat {
            let length: Int
            switch connection.input {
            case .over: return
            case .boundary:
                connection.headBegan(at: .now())
                lineEnd = .none
                fallthrough
            case .head:
                if decoder == nil { skipLineEnds(&input) }
                length = endOfHead(input)
            case .body: length = input.withUnsafeReadableBytes { connection.bodyEnd.take($0) }
            }
            guard let piece = input.readSlice(length: length), length > 0 else { return }
            try decode(piece, context)
        } while !connection.isAtBoundary && input.readableBytes > 0
    }

    /// The input has ended.
    ///
    /// - Throws: If a request is incomplete.
    func finish(_ context: ChannelHandlerContext) throws {
        defer { stop(context) }
        _ = try decoder?.decodeLast(context: context, buffer: &kept, seenEOF: true)
    }

    /// Drops the current request.
    func stop(_ context: ChannelHandlerContext) {
        decoder?.decoderRemoved(context: context)
        decoder = nil
        kept = ByteBuffer()
    }

    private func decode(_ piece: ByteBuffer, _ context: ChannelHandlerContext) throws {
        let decoder = decoder ?? begin(context)
        var bytes = piece
        let isFollowing = kept.readableBytes > 0
        if isFollowing {
            kept.writeBuffer(&bytes)
            swap(&kept, &bytes)
        }
        _ = try decoder.decode(context: context, buffer: &bytes)
        switch connection.input {
        case .boundary, .over: return stop(context)
        case .head: break
        case .body:
            // If the decoder and we disagree on where a request ends, it is refused.
            guard !connection.bodyEnd.isReached else { throw HTTPParserError.unknown }
        }
        // The decoder limits names, values and targets. It does not count the blanks after a target or before a value, but needs what precedes them.
        guard bytes.readableBytes <= limits.maxHeaderListSize else { throw HTTPParserError.headerOverflow }
        if bytes.readableBytes == 0 {
            kept = ByteBuffer()
        } else if isFollowing {
            bytes.discardReadBytes()
            kept = bytes
        } else {
            // A copy: a slice would keep everything that was read with it.
            kept = ByteBuffer(bytes: bytes.readableBytesView)
        }
    }

    private func begin(_ context: ChannelHandlerContext) -> HTTPRequestDecoder {
        let new = HTTPRequestDecoder(limitConfiguration: limits)
        new.decoderAdded(context: context)
        decoder = new
        return new
    }

    /// A request may be preceded by line ends (RFC 9112 §2.2).
    private func skipLineEnds(_ input: inout ByteBuffer) {
        let count = input.withUnsafeReadableBytes { bytes in
            var position = 0
            while position < bytes.count, bytes[position] == UInt8(ascii: "\r") || bytes[position] == UInt8(ascii: "\n") { position += 1 }
            return position
        }
        input.moveReaderIndex(forwardBy: count)
    }

    /// The position after the empty line that ends the head, or the end of the input.
    private func endOfHead(_ input: ByteBuffer) -> Int {
        input.withUnsafeReadableBytes { bytes in
            var position = 0
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                switch (byte, lineEnd) {
                case (UInt8(ascii: "\n"), .none): lineEnd = .lineFeed
                case (UInt8(ascii: "\n"), _):
                    return position
                case (UInt8(ascii: "\r"), .lineFeed): lineEnd = .lineFeedAndReturn
                default: lineEnd = .none
                }
            }
            return position
        }
    }
}
