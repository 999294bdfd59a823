import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Sits between the decoder and the client, and lets through one head, a body and an end for each request. Anything that is not an HTTP/1 answer fails
/// the connection here.
///
/// The decoder accepts any three digits as a status, and any codings for a body that it can split into chunks. AsyncHTTPClient trusts the decoder: it takes
/// a status below 100 for an interim answer, gets the answer's end where its state machine expects a head, and crashes the process.
final class AnswerGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// The maximum number of interim answers (100, 102, 103) to one request: more can only serve to keep the connection busy.
    static let maxInterimAnswers = 16

    private enum State {
        /// No request was sent, or the whole answer has arrived.
        case idle
        case awaitingHead(interim: Int)
        case receivingBody
        case failed
    }

    private var state = State.idle
    /// The handler before the decoder.
    private let intake: AnswerIntake

    init(behind intake: AnswerIntake) {
        self.intake = intake
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .head = unwrapOutboundIn(data), case .idle = state {
            state = .awaitingHead(interim: 0)
            intake.expect(.head)
        }
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (state, unwrapInboundIn(data)) {
        case (.failed, _):
            break
        case (.awaitingHead(let interim), .head(let head)):
            if (100..<200).contains(head.status.code), head.status.code != 101, interim < Self.maxInterimAnswers {
                state = .awaitingHead(interim: interim + 1)
            } else if let problem = Self.problem(with: head) {
                fail(problem, context)
            } else {
                state = .receivingBody
                intake.expect(.body)
                context.fireChannelRead(data)
            }
        case (.receivingBody, .body):
            intake.expect(.body)
            context.fireChannelRead(data)
        case (.receivingBody, .end):
            state = .idle
            intake.expect(.nothing)
            context.fireChannelRead(data)
        case (.idle, _), (.awaitingHead, .body), (.awaitingHead, .end), (.receivingBody, .head):
            fail("an answer out of turn", context)
        }
    }

    /// Why a final head is not acceptable; `nil` if it is.
    private static func problem(with head: HTTPResponseHead) -> String? {
        switch head.status.code {
        case ..<100: return "a status below 100"
        case 101: return "another protocol, which was not requested"
        case 100..<200: return "interim answers without end"
        default: break
        }
        guard head.headers.contains(name: "transfer-encoding") else { return nil }
        // RFC 9112 §6.1: the client did not offer to accept other codings. With any but `chunked`, the bytes are not the artifact's.
        let codings = head.headers[canonicalForm: "transfer-encoding"].map { $0.lowercased() }
        return codings == ["chunked"] ? nil : "a transfer coding other than chunked"
    }

    private func fail(_ problem: String, _ context: ChannelHandlerContext) {
        state = .failed
        context.fireErrorCaught(UnacceptableAnswer(problem: problem))
        context.close(promise: nil)
    }
}

/// A peer sent an answer that cannot be trusted.
package struct UnacceptableAnswer: Error, CustomStringConvertible {
    /// What is wrong with it.
    let problem: String

    package var description: String { "it sends \(problem)" }
}

extension Channel {
    /// Adds the handlers that every outbound connection needs between its socket and the client; must be called after the client's own handlers were
    /// added.
    ///
    /// - Parameter maxHeadSize: The maximum size in bytes of an answer's head, including the interim answers before it, and of its trailers.
    func guardAnswers(maxHeadSize: Int) throws {
        let pipeline = self.pipeline.syncOperations
        let intake = AnswerIntake(limit: maxHeadSize)
        try pipeline.addHandlers(
            [intake, LocationHandler()], position: .after(pipeline.handler(type: HTTPRequestEncoder.self)))
        try pipeline.addHandler(
            AnswerGuard(behind: intake), position: .after(pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)))
    }
}

extension HTTPClient.Configuration {
    /// For clients that do not prepare their connections in another way.
    package mutating func guardAnswers() {
        let maxHeadSize = OutboundConfiguration().maxResponseHeadSize
        http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.makeCompletedFuture { try channel.guardAnswers(maxHeadSize: maxHeadSize) }
        }
    }
}
