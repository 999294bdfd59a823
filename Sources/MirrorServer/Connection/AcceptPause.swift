import Logging
import MirrorSystem
import NIOCore

/// Stops accepting connections for a moment if there are no descriptors left. First in a listener's pipeline.
///
/// NIO's own `AcceptBackoffHandler` delays the next read. But the read that failed stays registered, so the selector reports the same connection
/// again and again, which takes a whole core.
final class AcceptPause: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    /// A shortage of descriptors or of memory.
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
        // Withdraws the registered read.
        try? options.setOption(.autoRead, value: false)
        _ = channel.eventLoop.assumeIsolated().scheduleTask(in: Self.length) {
            self.isPaused = false
            // A listener that has been closed meanwhile has no options.
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}
