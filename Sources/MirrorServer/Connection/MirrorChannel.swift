import Hummingbird
import HummingbirdCore
import Logging
import MirrorCore
import MirrorEngine
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOSSL

/// A connection of HTTP/1.1 with the fast path in front, and behind it what Hummingbird's own channel has.
struct MirrorChannel: HTTPChannelHandler {
    let responder: HTTPChannelHandler.Responder
    /// `nil` leaves the fast path out, and `crowds` too: the differential tests compare with and without it.
    let table: FastPathTable?
    let crowds: Crowds?
    let uses: UseRecorder
    let clock: any WallClock
    let idleTimeout: TimeAmount
    /// Bytes of one request's head.
    let maxHeaderBytes: Int

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedConnection> {
        channel.eventLoop.makeCompletedFuture {
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = maxHeaderBytes
            limits.maxHeaderListSize = maxHeaderBytes
            limits.maxHeaderFieldCount = 100
            let progress = ConnectionProgress()
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandlers([
                FastPathHandler(
                    table: table ?? FastPathTable(maxBytes: 0), crowds: crowds, uses: uses, clock: clock, connection: progress,
                    idleTimeout: idleTimeout, maxHeadLength: maxHeaderBytes),
                HTTPResponseEncoder(),
                ByteToMessageHandler(RequestDecoder(progress, limits: limits)),
                ExchangeHandler(progress),
                HTTP1ToHTTPServerCodec(secure: false),
                HTTPConnectionStateHandler(logger: logger),
            ])
            return AcceptedConnection(
                try NIOAsyncChannel(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true)))
        }
    }

    /// Cancelled when the time for a graceful shutdown is over: then it is closed, whatever the client has not taken yet.
    func handle(value: AcceptedConnection, logger: Logger) async {
        let connection = value.take()
        await withTaskCancellationHandler {
            await handleHTTP(asyncChannel: connection, logger: logger)
        } onCancel: {
            let channel = connection.channel
            channel.eventLoop.execute {
                // From there on, because the fast path waits for the client.
                (try? channel.pipeline.syncOperations.context(handlerType: FastPathHandler.self))?.close(promise: nil)
            }
        }
    }
}

/// The same behind TLS: each connection is greeted with the certificate that is in force when it comes.
struct TLSMirrorChannel: ServerChildChannel {
    let base: MirrorChannel
    let context: Reloadable<NIOSSLContext>

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedConnection> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context.value))
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }
    }

    func handle(value: AcceptedConnection, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
