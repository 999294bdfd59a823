import NIOCore

/// Ends a connection whose client is inactive for too long while it is its turn.
final class SilenceCheck {
    private let connection: ConnectionProgress
    private let limit: TimeAmount
    private var next: Scheduled<Void>?
    private var hangUp: (() -> Void)?

    init(_ connection: ConnectionProgress, limit: TimeAmount) {
        self.connection = connection
        self.limit = limit
    }

    /// Called on the channel's event loop.
    func begin(on channel: any Channel, hangUp: @escaping () -> Void) {
        self.hangUp = hangUp
        schedule(channel, in: interval)
    }

    func end() {
        next?.cancel()
        hangUp = nil
    }

    /// Nothing reports what a client reads, so it is checked several times within the limit.
    private var interval: TimeAmount { .nanoseconds(limit.nanoseconds / 4) }

    private func schedule(_ channel: any Channel, in delay: TimeAmount) {
        next = channel.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.check(channel) }
    }

    private func check(_ channel: any Channel) {
        ClientProgress.read(from: channel).assumeIsolated().whenComplete { result in
            guard let hangUp = self.hangUp else { return }
            let now = NIODeadline.now()
            self.connection.observe(try? result.get(), isFull: !channel.isWritable, at: now)
            guard let end = self.connection.endOfPatience(self.limit) else { return self.schedule(channel, in: self.interval) }
            if end <= now { hangUp() } else { self.schedule(channel, in: min(end - now, self.interval)) }
        }
    }
}
