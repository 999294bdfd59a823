#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import HTTPTypes
import Hummingbird

/// JSON bodies: sorted keys, unescaped slashes.
enum JSONResponse {
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Our own structs of strings and numbers, which cannot fail to encode.
        return (try? encoder.encode(value)).map { Array($0) } ?? Array("{}".utf8)
    }

    static func make(_ value: some Encodable, status: HTTPResponse.Status = .ok, for request: Request) -> Response {
        let bytes = encode(value)
        let fields: HTTPFields = [
            .contentType: "application/json; charset=utf-8", .contentLength: String(bytes.count), .xContentTypeOptions: "nosniff",
        ]
        return WholeResponse(status: status, fields: fields, body: bytes).response(to: request)
    }
}
