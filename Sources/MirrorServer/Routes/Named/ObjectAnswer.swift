import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorEngine
import MirrorStorage

/// An object of a pool in the answer itself, with ranges and conditions.
struct ObjectAnswer: Sendable {
    let key: ObjectKey
    let pool: Pool
    let metrics: EngineMetrics
    let place: RelayPlaces.Place
    /// Called with the number of bytes that the client is about to be sent.
    let charge: @Sendable (Int64) -> Void

    /// - Throws: `StorageError` while nothing has been sent; ``RequestError`` for a condition that does not hold.
    func response(to request: Request) async throws -> Response {
        let isGet = request.method == .get
        guard isGet, !Self.depends(on: request.headers) else { return try await conditional(request, isGet: isGet) }
        let content = try await pool.store.get(key, range: nil)
        return Response(
            status: .ok, headers: Self.fields(of: content.info, length: content.info.size), body: body(content, length: content.info.size))
    }

    private func conditional(_ request: Request, isGet: Bool) async throws -> Response {
        let info = try await pool.store.head(key)
        let range: ByteRange?
        switch ConditionalRequest.evaluate(request.headers, isGet: isGet, info) {
        case .notModified:
            return Response(status: .notModified, headers: LocalObjectRoutes.fields(of: info))
        case .preconditionFailed: throw RequestError.otherCondition
        case .unsatisfiable: throw RequestError.unsatisfiable(info)
        case .whole: range = nil
        case .part(let part): range = part
        }
        let length = range?.length ?? info.size
        var fields = Self.fields(of: info, length: length)
        if let range { fields[.contentRange] = "bytes \(range.offset)-\(range.end - 1)/\(info.size)" }
        let status: HTTPResponse.Status = range == nil ? .ok : .partialContent
        guard isGet else { return Response(status: status, headers: fields) }
        let content = try await pool.store.get(key, range: range)
        guard content.info.etag == info.etag else {
            throw StorageError(.preconditionFailed, "the object was just replaced", operation: "inline")
        }
        return Response(status: status, headers: fields, body: body(content, length: length))
    }

    private func body(_ content: ObjectContent, length: Int64) -> ResponseBody {
        let (metrics, id, charge, place) = (metrics, pool.id, charge, place)
        return ResponseBody(contentLength: Int(length)) { writer in
            for try await chunk in content.body {
                charge(Int64(chunk.readableBytes))
                try await writer.write(chunk)
                metrics.countServed(bytes: Int64(chunk.readableBytes), pool: id)
            }
            try await writer.finish(nil)
            withExtendedLifetime(place) {}
        }
    }

    private static func fields(of info: ObjectInfo, length: Int64) -> HTTPFields {
        var fields = LocalObjectRoutes.fields(of: info)
        fields[.contentLength] = String(length)
        return fields
    }

    private static func depends(on fields: HTTPFields) -> Bool {
        let names: [HTTPField.Name] = [.range, .ifRange, .ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince]
        return names.contains { fields.contains($0) }
    }
}
