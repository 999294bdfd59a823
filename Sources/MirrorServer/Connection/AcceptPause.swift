import MirrorSystem
import NIOCore

/// Stops accepting connections for a moment if there are no descriptors left. First in a listener's pipeline.
///
/// NIO's own `AcceptBackoffHandler` delays the next read. But the read that failed stays registered, so the selector reports the same connection
/// again and again, which takes a whole core.
final class AcceptPause: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    private let shortage: AcceptShortage
    private var isPaused = false

    init(_ shortage: AcceptShortage) {
        self.shortage = shortage
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, AcceptShortage.isReason(Errno(code: error.errnoCode)) else {
            return context.fireErrorCaught(error)
        }
        pause(context.channel)
        shortage.report(error)
    }

    func read(context: ChannelHandlerContext) {
        if !isPaused { context.read() }
    }

    private func pause(_ channel: any Channel) {
        guard !isPaused, let options = channel.syncOptions else { return }
        isPaused = true
        // Withdraws the registered read.
        try? options.setOption(.autoRead, value: false)
        _ = channel.eventLoop.assumeIsolated().scheduleTask(in: AcceptShortage.pause) {
            self.isPaused = false
            // A listener that has been closed meanwhile has no options.
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}
