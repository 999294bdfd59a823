import HummingbirdCore
import Logging
import MirrorCore
import MirrorEngine
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Answers what ``ConnectionHandler`` does not: Hummingbird, behind the handlers of its own channel.
///
/// A connection gets these handlers, and a task, with its first request for the slow path. Together they take more memory than everything else that a
/// connection holds, and most connections need none of it: their requests are hits, or wait with identical ones.
final class SlowPath: Sendable {
    private let hummingbird: HTTP1Channel
    private let tasks: ConnectionTasks
    private let bodyTimeout: TimeAmount
    private let clock: any WallClock
    private let logger: Logger

    init(
        responder: @escaping HTTPChannelHandler.Responder, tasks: ConnectionTasks, bodyTimeout: TimeAmount, clock: any WallClock,
        logger: Logger
    ) {
        hummingbird = HTTP1Channel(responder: responder)
        self.tasks = tasks
        self.bodyTimeout = bodyTimeout
        self.clock = clock
        self.logger = logger
    }

    /// Adds the handlers behind all others, and begins to serve the connection. Called on the channel's event loop, while the channel is open.
    func begin(behind handler: ConnectionHandler, on channel: any Channel, of client: ClientPresence, _ progress: ConnectionProgress) throws
    {
        try channel.pipeline.syncOperations.addHandlers([
            HTTPResponseEncoder(),
            ExchangeHandler(progress) { handler.join($0) },
            BodyLimitHandler(progress, timeout: bodyTimeout, clock: clock),
            HTTP1ToHTTPServerCodec(secure: false),
            HTTPConnectionStateHandler(logger: logger),
        ])
        let connection: HTTP1Channel.Value = try NIOAsyncChannel(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        tasks.start { [hummingbird, logger] in
            await ClientPresence.$current.withValue(client) {
                await hummingbird.handle(value: connection, logger: logger)
            }
        }
    }
}
