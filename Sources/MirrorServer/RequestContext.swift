import Hummingbird
import MirrorCore
import MirrorEngine
import NIOCore

/// What routes know of a request besides its head: who sent it.
struct MirrorRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The other end of the connection; `nil` for a Unix socket.
    let peer: IPAddress?
    let channel: any Channel
    /// Whether that one is still there.
    let client: ClientPresence?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        client = ClientPresence.current
        peer = source.channel.remoteAddress?.ipAddress.flatMap { IPAddress($0)?.unmapped }
    }

    /// Bytes of a request's body that a route reads at most.
    var maxUploadSize: Int { WarmCall.maxBody }
}

extension Request {
    /// The values of its `X-Forwarded-For` fields, as far as they are read. What they are worth is ``PoolSelector``'s to say.
    var forwardedFor: [String] { ForwardedFields.last(headers[values: .forwardedFor]) }
}
