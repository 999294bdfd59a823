import Hummingbird
import HummingbirdCore
import Logging
import MirrorCore
import MirrorEngine
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Hummingbird's HTTP/1.1 channel with the fast path in front of it.
struct MirrorChannel: ServerChildChannel {
    let base: HTTP1Channel
    /// `nil` leaves the fast path out, and `crowds` too: the differential tests compare with and without it.
    let table: FastPathTable?
    let crowds: Crowds?
    let uses: UseRecorder
    let clock: any WallClock
    let idleTimeout: TimeAmount

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedConnection> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let connection = AcceptedConnection(value)
            let pipeline = channel.pipeline.syncOperations
            let progress = ConnectionProgress()
            try pipeline.addHandler(
                FastPathHandler(
                    table: table ?? FastPathTable(maxBytes: 0), crowds: crowds, uses: uses, clock: clock, connection: progress,
                    idleTimeout: idleTimeout,
                    maxHeadLength: base.configuration.httpDecoder.maxHeaderListSize),
                position: .before(pipeline.handler(type: HTTPResponseEncoder.self)))
            try pipeline.addHandler(
                ConnectionProgressHandler(progress), position: .before(pipeline.handler(type: HTTP1ToHTTPServerCodec.self)))
            return connection
        }
    }

    /// Cancelled when the time for a graceful shutdown is over: then it is closed, whatever the client has not taken yet.
    func handle(value: AcceptedConnection, logger: Logger) async {
        let connection = value.take()
        await withTaskCancellationHandler {
            await base.handle(value: connection, logger: logger)
        } onCancel: {
            let channel = connection.channel
            channel.eventLoop.execute {
                // From there on, because the fast path waits for the client.
                (try? channel.pipeline.syncOperations.context(handlerType: FastPathHandler.self))?.close(promise: nil)
            }
        }
    }
}
