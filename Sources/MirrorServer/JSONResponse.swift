#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import HTTPTypes
import Hummingbird
import NIOCore

/// JSON bodies: keys in order, slashes as they are.
enum JSONResponse {
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Our own structs of strings and numbers: nothing in them can fail to encode.
        return (try? encoder.encode(value)).map { Array($0) } ?? Array("{}".utf8)
    }

    static func make(_ value: some Encodable, status: HTTPResponse.Status = .ok, for request: Request) -> Response {
        let bytes = encode(value)
        var response = Response(
            status: status,
            headers: [.contentType: "application/json; charset=utf-8", .contentLength: String(bytes.count)],
            body: request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        response.headers[.xContentTypeOptions] = "nosniff"
        return response
    }
}
