import Logging
import MirrorSystem
import NIOCore

/// Stops accepting for a moment when there are no descriptors left: stands first in a listener's pipeline.
///
/// What NIO has for it (`AcceptBackoffHandler`) delays the next read. But a read that has failed is still asked for, so that the selector
/// tells of the same connection again at once, and again: a whole core's worth.
final class AcceptPause: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    /// Of descriptors or of memory.
    private static let shortages: [Errno] = [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .noMemory]
    private static let length = TimeAmount.milliseconds(100)
    /// Time between two warnings.
    private static let silence = TimeAmount.minutes(1)

    private let metrics: ConnectionMetrics
    private let logger: Logger
    private var isPaused = false
    private var lastWarning: NIODeadline?

    init(metrics: ConnectionMetrics, logger: Logger) {
        self.metrics = metrics
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, Self.shortages.contains(Errno(code: error.errnoCode)) else {
            return context.fireErrorCaught(error)
        }
        pause(context.channel)
        metrics.countPause()
        let now = NIODeadline.now()
        if let lastWarning, now < lastWarning + Self.silence { return }
        lastWarning = now
        logger.warning("connections cannot be accepted; trying again every 100 ms", metadata: ["error": "\(error)"])
    }

    func read(context: ChannelHandlerContext) {
        if !isPaused { context.read() }
    }

    private func pause(_ channel: any Channel) {
        guard !isPaused, let options = channel.syncOptions else { return }
        isPaused = true
        // Takes back the read that is asked for.
        try? options.setOption(.autoRead, value: false)
        _ = channel.eventLoop.assumeIsolated().scheduleTask(in: Self.length) {
            self.isPaused = false
            // A listener that was closed meanwhile has no options.
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}
