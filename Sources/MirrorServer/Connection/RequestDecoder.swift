import NIOCore
import NIOHTTP1

/// Reads requests, and reads on where NIO's decoder would stop.
///
/// NIO's decoder reads nothing more behind a request that offers another protocol (`Upgrade`), because the next bytes could be of that
/// protocol. This service never switches, so that they are HTTP (RFC 9110 §7.8), for a new decoder. That one has to begin exactly at the end of
/// the request, of which the old one says nothing. Therefore a decoder is given no more at a time than up to the next empty line, with which
/// every head ends, and the body of a request with an offer byte by byte.
///
/// Behind the last request of a connection nothing is read.
final class RequestDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    private let connection: ConnectionProgress
    private let limits: NIOHTTPDecoderLimitConfiguration
    private var decoder: HTTPRequestDecoder
    /// Bytes at the front of the buffer that the decoder has read and left there.
    private var readAhead = 0
    private var lineEnd = LineEnd.none

    /// How the bytes before end.
    private enum LineEnd {
        case none, lineFeed, lineFeedAndReturn
    }

    init(_ connection: ConnectionProgress, limits: NIOHTTPDecoderLimitConfiguration) {
        self.connection = connection
        self.limits = limits
        decoder = HTTPRequestDecoder(limitConfiguration: limits)
    }

    func decoderAdded(context: ChannelHandlerContext) {
        decoder.decoderAdded(context: context)
    }

    func decoderRemoved(context: ChannelHandlerContext) {
        decoder.decoderRemoved(context: context)
    }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        while !connection.isInputOver, readAhead < buffer.readableBytes {
            let length = connection.offer == .open ? readAhead + 1 : endOfNextPiece(of: buffer)
            guard var piece = buffer.getSlice(at: buffer.readerIndex, length: length) else { break }
            do {
                _ = try decoder.decode(context: context, buffer: &piece)
            } catch  where connection.isInputOver {
                // Of what stands behind the last request.
                break
            }
            readAhead = piece.readableBytes
            buffer.moveReaderIndex(forwardBy: length - readAhead)
            if connection.offer == .over { beginAnew(context) }
        }
        if connection.isInputOver { buffer.clear() }
        return .needMoreData
    }

    func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
        _ = try decode(context: context, buffer: &buffer)
        guard !connection.isInputOver else { return .needMoreData }
        return try decoder.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
    }

    private func beginAnew(_ context: ChannelHandlerContext) {
        connection.offer = .none
        readAhead = 0
        decoder.decoderRemoved(context: context)
        decoder = HTTPRequestDecoder(limitConfiguration: limits)
        decoder.decoderAdded(context: context)
    }

    /// Behind the first empty line that the decoder has not read, or all that is there.
    private func endOfNextPiece(of buffer: ByteBuffer) -> Int {
        buffer.withUnsafeReadableBytes { bytes in
            var position = readAhead
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                switch (byte, lineEnd) {
                case (UInt8(ascii: "\n"), .none): lineEnd = .lineFeed
                case (UInt8(ascii: "\n"), _):
                    lineEnd = .lineFeed
                    return position
                case (UInt8(ascii: "\r"), .lineFeed): lineEnd = .lineFeedAndReturn
                default: lineEnd = .none
                }
            }
            return position
        }
    }
}
