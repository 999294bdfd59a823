import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorEngine
import MirrorStorage
import NIOCore

/// `GET` and `HEAD /local/{region}/{hash}/{name}`: objects of pools that have no address of their own.
struct LocalObjectRoutes: Sendable {
    let services: MirrorServices

    func register(on router: Router<MirrorRequestContext>) {
        router.get("/local/:region/:hash/:name", use: object)
        router.head("/local/:region/:hash/:name", use: object)
    }

    private func object(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let (pool, key) = try find(context)
        do {
            let info = try await pool.store.head(key)
            var headers = Self.fields(of: info)
            switch ConditionalRequest.evaluate(request.headers, isGet: request.method == .get, info) {
            case .notModified:
                headers[.contentLength] = nil
                return Response(status: .notModified, headers: headers)
            case .preconditionFailed:
                throw RequestError(.inputError, "the object is not the one that the condition names", status: .preconditionFailed)
            case .unsatisfiable:
                throw RequestError(
                    .inputError, "the object has \(info.size) bytes", status: .rangeNotSatisfiable,
                    headers: [.contentRange: "bytes */\(info.size)"])
            case .whole:
                return try await respond(.ok, headers, pool, key, info, range: nil, request)
            case .part(let range):
                headers[.contentRange] = "bytes \(range.offset)-\(range.end - 1)/\(info.size)"
                return try await respond(.partialContent, headers, pool, key, info, range: range, request)
            }
        } catch let error as StorageError where error.code == .notFound {
            throw RequestError(.resourceNotFound, "there is no such object; ask /v1/redirect/ for the artifact again")
        }
    }

    private func find(_ context: MirrorRequestContext) throws -> (Pool, ObjectKey) {
        guard let region = context.parameters.get("region"), let id = PoolID(service: "local", region: region), let pool = services.pools[id],
            pool.store.capabilities.features.contains(.servedByMirror), let hash = context.parameters.get("hash"),
            let name = context.parameters.get("name").flatMap({ PercentCoding.decode($0) }), let key = ObjectKey("\(hash)/\(name)")
        else { throw RequestError(.resourceNotFound, "there is no such object") }
        return (pool, key)
    }

    private func respond(
        _ status: HTTPResponse.Status, _ headers: HTTPFields, _ pool: Pool, _ key: ObjectKey, _ info: ObjectInfo, range: ByteRange?,
        _ request: Request
    ) async throws -> Response {
        var headers = headers
        let length = range?.length ?? info.size
        headers[.contentLength] = String(length)
        guard request.method == .get, length > 0 else { return Response(status: status, headers: headers) }
        let content = try await pool.store.get(key, range: range)
        guard content.info.etag == info.etag else {
            throw RequestError(.unavailable, "the object was just replaced; ask again")
        }
        return Response(
            status: status, headers: headers,
            body: ResponseBody(contentLength: Int(length)) { writer in
                for try await chunk in content.body { try await writer.write(chunk) }
                try await writer.finish(nil)
            })
    }

    /// What the origin said of the artifact, and what keeps a browser from running it in the name of this server.
    static func fields(of info: ObjectInfo) -> HTTPFields {
        var headers: HTTPFields = [
            .eTag: info.etag,
            .lastModified: info.lastModified.httpDate,
            .acceptRanges: "bytes",
            .contentType: info.metadata.contentType ?? "application/octet-stream",
            .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "sandbox; default-src 'none'",
        ]
        if let encoding = info.metadata.contentEncoding { headers[.contentEncoding] = encoding }
        if let disposition = info.metadata.contentDisposition { headers[.contentDisposition] = disposition }
        if let digest = info.metadata.sha256 { headers[.reprDigest] = digest.fieldValue }
        return headers
    }
}
