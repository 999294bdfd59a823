import NIOCore
import NIOHTTP1

/// Writes the request target exactly as the egress policy checked it.
///
/// AsyncHTTPClient takes the target from a URL that Foundation has parsed again, and Foundation changes it: it re-encodes some queries,
/// and replaces a path whose escapes are not UTF-8 by `/`. So the client gets a URL without a path, and the target is passed
/// in a header field that is removed here.
final class RequestTargetHandler: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    static let fieldName = "cloud-mirror-request-target"

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var part = unwrapOutboundIn(data)
        if case .head(var head) = part, let target = head.headers.first(name: Self.fieldName) {
            head.uri = target
            head.headers.remove(name: Self.fieldName)
            part = .head(head)
        }
        context.write(wrapOutboundOut(part), promise: promise)
    }
}
