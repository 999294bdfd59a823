import NIOCore
import NIOHTTP1

/// Writes the request target as the egress policy saw it.
///
/// AsyncHTTPClient takes the target out of a URL that Foundation has parsed anew, and Foundation is not faithful: it encodes a query anew
/// that it does not like, and makes `/` of a path whose escapes are no UTF-8. So the client is given a URL without a path, and the target travels
/// in a header field that ends here.
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
