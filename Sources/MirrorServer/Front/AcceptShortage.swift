import Logging
import MirrorSystem
import NIOCore
import Synchronization

/// Reports that a listener cannot accept connections, because there is no descriptor or no memory left.
final class AcceptShortage: Sendable {
    /// How long nothing is accepted then.
    static let pause = TimeAmount.milliseconds(100)
    private static let errors: Set<Errno> = [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .noMemory]
    /// Time between two warnings.
    private static let silence = TimeAmount.minutes(1)

    private let metrics: ConnectionMetrics
    private let logger: Logger
    private let lastWarning = Mutex<NIODeadline?>(nil)

    init(metrics: ConnectionMetrics, logger: Logger) {
        self.metrics = metrics
        self.logger = logger
    }

    static func isReason(_ error: Errno) -> Bool { errors.contains(error) }

    /// Counts a pause.
    func report(_ error: any Error) {
        metrics.countPause()
        let now = NIODeadline.now()
        let isWarning = lastWarning.withLock { last in
            if let last, now < last + Self.silence { return false }
            last = now
            return true
        }
        guard isWarning else { return }
        logger.warning("connections cannot be accepted; trying again every 100 ms", metadata: ["error": "\(error)"])
    }
}
