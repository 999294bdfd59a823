import MirrorCore
import NIOCore
import NIOHTTP1

/// Percent-encodes each byte of a `Location` field that is not ASCII, as curl and browsers do.
///
/// Servers send file names there in the encoding of their file system, such as Latin-1. The decoder reads fields as UTF-8 and replaces anything else, so
/// that the destination of the redirect would be lost. So this is done before the decoder, in the bytes of the head.
final class LocationHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// The position of the next byte in the head of an answer; `nil` in bodies and between answers.
    private var head: HeadPosition?

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .head = unwrapOutboundIn(data) { head = HeadPosition() }
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard head != nil else {
            context.fireChannelRead(data)
            return
        }
        context.fireChannelRead(wrapInboundOut(encode(unwrapInboundIn(data))))
    }

    private func encode(_ buffer: ByteBuffer) -> ByteBuffer {
        var encoded: ByteBuffer?
        let bytes = buffer.readableBytesView
        for (place, byte) in zip(bytes.indices, bytes) {
            guard let isInLocation = head?.isInLocation else {
                encoded?.writeBytes(bytes[place...])
                break
            }
            head?.advance(over: byte)
            if head?.isAtEnd == true { head = nil }
            if isInLocation, byte >= 0x80 {
                if encoded == nil { encoded = ByteBuffer(bytes: bytes[..<place]) }
                encoded?.writeBytes([UInt8(ascii: "%"), Self.digit(byte >> 4), Self.digit(byte & 15)])
            } else {
                encoded?.writeInteger(byte)
            }
        }
        return encoded ?? buffer
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10 }
}

/// Follows the head of an answer, and of those before it that are only interim, byte by byte.
private struct HeadPosition {
    private static let location = Array("location:".utf8)

    /// Whether the position is after the empty line that ends the head.
    private(set) var isAtEnd = false
    /// Whether the position is in the value of a `Location` field.
    private(set) var isInLocation = false

    /// The beginning of the line, without line breaks and in lower case: enough to know the field, or the status's first digit.
    private var line: [UInt8] = []
    private var hasStatusLine = false
    private var isInterim = false

    mutating func advance(over byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\r"):
            break
        case UInt8(ascii: "\n"):
            endLine()
        default:
            guard line.count < 10 else { return }
            line.append(byte.asciiLowercased)
            if hasStatusLine, line == Self.location { isInLocation = true }
        }
    }

    private mutating func endLine() {
        defer {
            line.removeAll(keepingCapacity: true)
            isInLocation = false
        }
        guard hasStatusLine else {
            // Empty lines before the first one are skipped. `HTTP/1.1 1`: an interim answer, after which there is another head.
            hasStatusLine = !line.isEmpty
            isInterim = line.count == 10 && line[9] == UInt8(ascii: "1")
            return
        }
        guard line.isEmpty else { return }
        if isInterim { hasStatusLine = false } else { isAtEnd = true }
    }
}
