import NIOCore
import NIOHTTP1

/// Reads one request at a time out of what a client has sent, by a decoder of NIO's that is made for it, and no byte behind its end.
///
/// So nothing that is not answered yet is kept but as bytes, and the next request is whoever's turn it is to read. A request that offers
/// another protocol (`Upgrade`), behind which NIO's decoder reads nothing more, is like any other: this service never switches, so that what
/// follows is HTTP (RFC 9110 §7.8).
final class RequestReader {
    private let connection: ConnectionProgress
    private let limits: NIOHTTPDecoderLimitConfiguration
    /// Of the request that is being read.
    private var decoder: HTTPRequestDecoder?
    /// Bytes that the decoder has looked at and needs again.
    private var kept = ByteBuffer()
    private var lineEnd = LineEnd.none

    /// How the bytes before end.
    private enum LineEnd {
        case none, lineFeed, lineFeedAndReturn
    }

    init(_ connection: ConnectionProgress, limits: NIOHTTPDecoderLimitConfiguration) {
        self.connection = connection
        self.limits = limits
    }

    /// Reads on in the request that is being read, or begins one, until it ends or there is nothing left. Its parts are fired.
    ///
    /// - Throws: When it is not HTTP. Then nothing can be read any more.
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

    /// Says that nothing more comes.
    ///
    /// - Throws: When a request was begun and is not whole.
    func finish(_ context: ChannelHandlerContext) throws {
        defer { stop(context) }
        _ = try decoder?.decodeLast(context: context, buffer: &kept, seenEOF: true)
    }

    /// Lets go of what was begun.
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
            // Two opinions on where a request ends are one too many.
            guard !connection.bodyEnd.isReached else { throw HTTPParserError.unknown }
        }
        if bytes.readableBytes == 0 {
            kept = ByteBuffer()
        } else if isFollowing {
            bytes.discardReadBytes()
            kept = bytes
        } else {
            // Not a slice, which would keep all that was read with it.
            kept = ByteBuffer(bytes: bytes.readableBytesView)
        }
    }

    private func begin(_ context: ChannelHandlerContext) -> HTTPRequestDecoder {
        let new = HTTPRequestDecoder(limitConfiguration: limits)
        new.decoderAdded(context: context)
        decoder = new
        return new
    }

    /// Before a request there may be some (RFC 9112 §2.2).
    private func skipLineEnds(_ input: inout ByteBuffer) {
        let count = input.withUnsafeReadableBytes { bytes in
            var position = 0
            while position < bytes.count, bytes[position] == UInt8(ascii: "\r") || bytes[position] == UInt8(ascii: "\n") { position += 1 }
            return position
        }
        input.moveReaderIndex(forwardBy: count)
    }

    /// Behind the first empty line that was not there before, with which every head ends, or all that is there.
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
