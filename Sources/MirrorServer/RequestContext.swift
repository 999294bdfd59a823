import Hummingbird
import MirrorCore
import MirrorEngine
import NIOCore

/// What routes know about a request besides its head: who sent it.
struct MirrorRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The other end of the connection, or the client that a proxy named with the PROXY protocol; `nil` for a Unix socket.
    let peer: IPAddress?
    let channel: any Channel
    /// Whether the client is still connected.
    let client: ClientPresence?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        client = ClientPresence.current
        peer = if let client { client.address } else { source.channel.remoteIPAddress }
    }

    /// The most bytes of a request's body that a route reads.
    var maxUploadSize: Int { WarmCall.maxBody }
}

extension Request {
    /// The values of the fields in which proxies name clients, within limits. ``PoolSelector`` decides whether to believe them.
    func forwarded(_ header: ProxyHeader) -> [String] { ForwardedFields.last(headers[values: .named(header)], header) }
}

extension Channel {
    /// The other end of the connection, with an IPv4-mapped address as IPv4; `nil` for a Unix socket.
    var remoteIPAddress: IPAddress? { remoteAddress?.ipAddress.flatMap { IPAddress($0)?.unmapped } }
}
