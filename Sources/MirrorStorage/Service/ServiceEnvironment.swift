public import Logging
public import MirrorCore
public import MirrorNet
public import NIOCore

/// The resources that a service gets from its mirror.
public struct ServiceEnvironment: Sendable {
    /// The event loops for all sockets of the process.
    public let eventLoopGroup: any EventLoopGroup
    /// The clock for waits and for the time of day.
    public let clock: any MirrorClock
    /// The mirror's log.
    public let logger: Logger
    /// The number of calls that copies and clients may have in progress in one pool at the same time.
    public let operations: Int
    private let outbound: OutboundConfiguration

    package init(
        eventLoopGroup: any EventLoopGroup, clock: any MirrorClock, logger: Logger, operations: Int,
        outbound: OutboundConfiguration = OutboundConfiguration()
    ) {
        self.eventLoopGroup = eventLoopGroup
        self.clock = clock
        self.logger = logger
        self.operations = operations
        self.outbound = outbound
    }

    /// Creates a client for the service's servers, with the timeouts of the configuration. The caller has to shut it down.
    ///
    /// - Parameter minimumIdleTimeout: For a service that may send nothing for longer while it works.
    public func makeClient(minimumIdleTimeout: Duration = .zero) -> ServiceClient {
        var outbound = outbound
        outbound.idleTimeout = max(outbound.idleTimeout, minimumIdleTimeout)
        outbound.connectionsPerOrigin = operations
        return ServiceClient(configuration: outbound, eventLoopGroup: eventLoopGroup, logger: logger)
    }
}
