public import Logging
public import MirrorCore
public import MirrorNet
public import NIOCore

/// What a service gets from the mirror that it is part of.
public struct ServiceEnvironment: Sendable {
    /// For all sockets of the process.
    public let eventLoopGroup: any EventLoopGroup
    /// For whatever waits or tells the time.
    public let clock: any MirrorClock
    /// The mirror's log.
    public let logger: Logger
    /// Calls that copies and clients may have under way in one pool at the same time.
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

    /// A client for the service's servers, with the timeouts of the configuration. Who makes one shuts it down.
    ///
    /// - Parameter minimumIdleTimeout: For a service that may be silent for longer while it works.
    public func makeClient(minimumIdleTimeout: Duration = .zero) -> ServiceClient {
        var outbound = outbound
        outbound.idleTimeout = max(outbound.idleTimeout, minimumIdleTimeout)
        outbound.connectionsPerOrigin = operations
        return ServiceClient(configuration: outbound, eventLoopGroup: eventLoopGroup, logger: logger)
    }
}
