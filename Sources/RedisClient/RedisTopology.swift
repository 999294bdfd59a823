import NIOCore

/// Which servers there are, and which one a command goes to. Lives on the event loop.
protocol RedisTopology: AnyObject {
    func start()
    func submit(_ batch: Outbox.Batch)
    /// - Parameter closed: Called when every socket is closed.
    func close(_ closed: @escaping @Sendable () -> Void)
}
