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
    /// `nil` leaves the fast path out: the differential tests compare with and without it.
    let table: FastPathTable?
    let uses: UseRecorder
    let clock: any WallClock
    let idleTimeout: TimeAmount

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let connection = ConnectionProgress()
            try pipeline.addHandler(
                FastPathHandler(
                    table: table ?? FastPathTable(maxBytes: 0), uses: uses, clock: clock, connection: connection, idleTimeout: idleTimeout,
                    maxHeadLength: base.configuration.httpDecoder.maxHeaderListSize),
                position: .before(pipeline.handler(type: HTTPResponseEncoder.self)))
            try pipeline.addHandler(
                ConnectionProgressHandler(connection), position: .before(pipeline.handler(type: HTTP1ToHTTPServerCodec.self)))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
