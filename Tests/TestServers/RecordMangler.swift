package import NIOCore

/// Damages one write of a connection below its TLS, and hangs up a little later: what is damaged may look as if more were to come.
///
/// To be put in front of the TLS handler.
package final class RecordMangler: ChannelOutboundHandler {
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private static let patience = TimeAmount.milliseconds(20)
    /// The beginnings of records: of a handshake, an alert, data, a change of ciphers, of nothing that there is.
    private static let records: [[UInt8]] = [
        [0x16, 3, 3, 0, 4, 0, 0, 0, 0], [0x15, 3, 3, 0, 2, 1, 0], [0x15, 3, 3, 0, 2, 2, 80], [0x17, 3, 3, 0, 0], [0x17, 3, 3, 0xFF, 0xFF],
        [0x14, 3, 3, 0, 1, 1], [0x18, 3, 3, 0, 3, 1, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0, 1, 0], Array("HTTP/1.1 200 OK\r\n\r\n".utf8),
    ]

    private var random: SeededGenerator
    /// Writes before the one that is damaged.
    private var left: Int

    package init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        left = Int.random(in: 0...4, using: &random)
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        defer { left -= 1 }
        guard left == 0 else { return context.write(data, promise: promise) }
        var bytes = Array(unwrapOutboundIn(data).readableBytesView)
        mangle(&bytes)
        context.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: promise)
        // From here, because TLS takes leave first, and waits for an answer to that.
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.patience) { bound.value.close(promise: nil) }
    }

    private func mangle(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        for _ in 0...Int.random(in: 0...2, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            // The head of a record is at its beginning, and says most.
            case 0 where bytes.count > 5: bytes[Int.random(in: 0..<5, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            case 1 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 2: bytes.removeSubrange(place...)
            case 3: bytes.insert(contentsOf: bytes, at: place)
            case 4: bytes.insert(contentsOf: Self.records.randomElement(using: &random) ?? [], at: 0)
            default: bytes.insert(contentsOf: Self.records.randomElement(using: &random) ?? [], at: place)
            }
        }
    }
}

@available(*, unavailable)
extension RecordMangler: Sendable {}
