import Hummingbird
import MirrorCore
import MirrorEngine
import NIOCore

/// What routes know of a request besides its head: who sent it.
struct MirrorRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The other end of the connection, or whom a proxy there has named by the PROXY protocol; `nil` for a Unix socket.
    let peer: IPAddress?
    let channel: any Channel
    /// Whether that one is still there.
    let client: ClientPresence?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        client = ClientPresence.current
        peer = if let client { client.address } else { source.channel.remoteIPAddress }
    }

    /// Bytes of a request's body that a route reads at most.
    var maxUploadSize: Int { WarmCall.maxBody }
}

extension Request {
    /// The values of its fields in which proxies name clients, as far as they are read. What they are worth is ``PoolSelector``'s to say.
    func forwarded(_ header: ProxyHeader) -> [String] { ForwardedFields.last(headers[values: .named(header)], header) }
}

extension Channel {
    /// The other end of the connection, of an IPv4-mapped address the IPv4 address; `nil` for a Unix socket.
    var remoteIPAddress: IPAddress? { remoteAddress?.ipAddress.flatMap { IPAddress($0)?.unmapped } }
}
