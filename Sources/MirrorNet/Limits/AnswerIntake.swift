import NIOCore

/// Passes the bytes of answers to the decoder, and fails the connection once the decoder has taken too many without producing anything.
///
/// The decoder keeps the fields of a head or of trailers until they are complete, up to 2 MiB of them, and the space before a value without any
/// limit. It also reads the reason after a status, empty lines before it, and anything after the size of a chunk without limit. From here, all of
/// that looks the same: bytes go in, but nothing comes out.
final class AnswerIntake: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// What comes next.
    enum Expectation {
        case nothing, head, body
    }

    private let limit: Int
    private var expectation = Expectation.nothing
    /// Bytes that the decoder may take before it has to produce something.
    private var allowance: Int
    private var hasFailed = false

    /// - Parameter limit: The maximum size in bytes of a head, including the interim ones before it, and of trailers. It can be exceeded by at most one read.
    init(limit: Int) {
        self.limit = limit
        allowance = limit
    }

    /// Must be called when a request is sent, and for each part that comes out of the decoder except interim heads.
    func expect(_ expectation: Expectation) {
        self.expectation = expectation
        allowance = limit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        while !hasFailed, bytes.readableBytes > 0 {
            // If a read is larger than a head may be, the decoder first gets only that much, and the rest once it has found a head. Bodies are passed
            // on unchanged.
            let length = expectation == .head ? min(bytes.readableBytes, allowance) : bytes.readableBytes
            guard let piece = bytes.readSlice(length: length) else { return }
            allowance -= length
            context.fireChannelRead(wrapInboundOut(piece))
            if allowance <= 0 { fail(context) }
        }
    }

    private func fail(_ context: ChannelHandlerContext) {
        hasFailed = true
        let what = expectation == .body ? "trailers, or something else between the bytes of a body," : "a head"
        context.fireErrorCaught(UnacceptableAnswer(problem: "\(what) of more than \(limit) bytes"))
        context.close(promise: nil)
    }
}
