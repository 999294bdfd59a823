import NIOCore

/// How much of what it was sent a client has received, as the kernel knows it.
///
/// What the socket accepts says little: it buffers megabytes. Acknowledged bytes mean the same for buffers, files and TLS.
struct ClientProgress {
    /// Bytes that the client's side has acknowledged so far. Always 0 if the kernel does not count them.
    let acknowledged: UInt64
    let sinceLastAcknowledgement: TimeAmount
    /// Whether there are bytes that it has not acknowledged.
    let isOwing: Bool

    /// - Returns: `nil` for a channel that is not a TCP socket.
    static func read(from channel: any Channel) -> EventLoopFuture<ClientProgress?> {
        #if os(Linux)
            guard let options = channel as? any SocketOptionProvider else { return channel.eventLoop.makeSucceededFuture(nil) }
            let info: EventLoopFuture<Words> = options.unsafeGetSocketOption(level: .tcp, name: .tcp_info)
            return info.map { read($0) }.recover { _ in nil }
        #else
            return channel.eventLoop.makeSucceededFuture(nil)
        #endif
    }

    /// `struct tcp_info` of linux/tcp.h: older kernels fill less of it, newer ones would fill more. The C library's own struct lacks what is needed.
    private typealias Words = InlineArray<64, UInt32>

    private static func read(_ words: Words) -> ClientProgress {
        // tcpi_bytes_acked, tcpi_last_ack_recv, tcpi_unacked and tcpi_notsent_bytes.
        ClientProgress(
            acknowledged: UInt64(words[31]) << 32 | UInt64(words[30]), sinceLastAcknowledgement: .milliseconds(Int64(words[14])),
            isOwing: words[6] > 0 || words[36] > 0)
    }
}
