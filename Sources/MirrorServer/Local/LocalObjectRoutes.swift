import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorStorage
import NIOCore

/// `GET` and `HEAD /local/{region}/{hash}/{name}`: objects of pools that have no address of their own.
struct LocalObjectRoutes: Sendable {
    let services: MirrorServices
    /// Whether the kernel may send files; it cannot with TLS.
    let sendsFiles: Bool
    let publicURL: String?
    let redirectStatus: HTTPResponse.Status
    let troubles: LineBudget

    func register(on router: Router<MirrorRequestContext>) {
        router.get("/local/:region/:hash/:name", use: object)
        router.head("/local/:region/:hash/:name", use: object)
    }

    private func object(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let (pool, key) = try find(context)
        do {
            let (sendsFiles, isGet) = (sendsFiles, request.method == .get)
            let source = try await inTime { try await Source.open(key, in: pool, sendsFiles: sendsFiles, isGet: isGet) }
            let info = source.info
            var headers = Self.fields(of: info)
            switch ConditionalRequest.evaluate(request.headers, isGet: request.method == .get, info) {
            case .notModified:
                headers[.contentLength] = nil
                return Response(status: .notModified, headers: headers)
            case .preconditionFailed: throw RequestError.otherCondition
            case .unsatisfiable: throw RequestError.unsatisfiable(info)
            case .whole:
                headers[.contentLength] = String(info.size)
                guard request.method == .get, let range = ByteRange(offset: 0, length: info.size) else {
                    return Response(status: .ok, headers: headers)
                }
                return Response(status: .ok, headers: headers, body: try await body(source, range, pool, context))
            case .part(let range):
                headers[.contentLength] = String(range.length)
                headers[.contentRange] = "bytes \(range.offset)-\(range.end - 1)/\(info.size)"
                return Response(status: .partialContent, headers: headers, body: try await body(source, range, pool, context))
            }
        } catch let error as StorageError {
            return try answerMissing(key, in: pool, error, context)
        }
    }

    private func body(_ source: Source, _ range: ByteRange, _ pool: Pool, _ context: MirrorRequestContext) async throws -> ResponseBody {
        let (channel, metrics) = (context.channel, services.metrics)
        switch source {
        case .file(let file):
            return ResponseBody(contentLength: Int(range.length)) { writer in
                try await FileTransmission.send(file, range, over: channel) { metrics.countServed(bytes: $0, pool: pool.id) }
                try await writer.finish(nil)
            }
        case .stream(let info):
            let content = try await inTime { try await pool.store.get(info.key, range: range) }
            guard content.info.etag == info.etag else {
                throw RequestError(.unavailable, "the object was just replaced; try again")
            }
            return ResponseBody(contentLength: Int(range.length)) { writer in
                for try await chunk in content.body {
                    try await writer.write(chunk)
                    metrics.countServed(bytes: Int64(chunk.readableBytes), pool: pool.id)
                }
                try await writer.finish(nil)
            }
        }
    }

    /// Waits for the pool's disk no longer than clients would.
    private func inTime<Value: Sendable>(_ call: @escaping @Sendable () async throws -> Value) async throws -> Value {
        guard let value = try await services.inTime(call) else { throw StorageError.noAnswerInTime("local.serve") }
        return value
    }

    /// Redirects a client to the redirect route, which gets it the artifact in another way: that route looks for the object too, forgets it if it is
    /// gone and has it copied again, or knows that the pool is out of use.
    private func answerMissing(_ key: ObjectKey, in pool: Pool, _ error: StorageError, _ context: MirrorRequestContext) throws -> Response {
        guard let id = services.redirects.replica(of: key, in: pool.id) else {
            guard error.code != .notFound else {
                throw RequestError(.resourceNotFound, "no such object; request the artifact from /v1/redirect/ again")
            }
            troubles.log(
                .warning, "cannot read an object", to: context.logger,
                metadata: ["key": "\(key)", "pool": "\(pool.id)", "error": "\(error)"])
            throw RequestError(.unavailable, "the object cannot be read at the moment; request the artifact from /v1/redirect/ again")
        }
        let path = "\(RedirectRoutes.prefix)\(pool.id)/\(PercentCoding.encode(id.artifact.description))?missing=1"
        return Response(
            status: redirectStatus, headers: [.location: (publicURL ?? "") + path, .cacheControl: "no-store", .contentLength: "0"])
    }

    private func find(_ context: MirrorRequestContext) throws -> (Pool, ObjectKey) {
        guard let region = context.parameters.get("region"), let id = PoolID(service: "local", region: region),
            let pool = services.pools[id],
            pool.store.capabilities.features.contains(.servedByMirror), let hash = context.parameters.get("hash"),
            let name = context.parameters.get("name").flatMap({ PercentCoding.decode($0) }), let key = ObjectKey("\(hash)/\(name)")
        else { throw RequestError(.resourceNotFound, "no such object") }
        return (pool, key)
    }

    /// What the origin stated about the artifact, and fields that keep a browser from running it in this server's name.
    static func fields(of info: ObjectInfo) -> HTTPFields {
        var headers: HTTPFields = [
            .eTag: info.etag,
            .lastModified: info.artifactLastModified.httpDate,
            .acceptRanges: "bytes",
            .contentType: info.metadata.contentType ?? "application/octet-stream",
            .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "sandbox; default-src 'none'",
        ]
        if let encoding = info.metadata.contentEncoding { headers[.contentEncoding] = encoding }
        if let disposition = info.metadata.contentDisposition { headers[.contentDisposition] = disposition }
        if let digest = info.metadata.sha256 { headers[.reprDigest] = digest.fieldValue }
        headers.append(contentsOf: HTTPFields(info.metadata.originFields))
        return headers
    }
}

/// Where an object's bytes come from: an open file that the kernel sends, or a stream from the store.
private enum Source: Sendable {
    case file(ObjectFile)
    case stream(ObjectInfo)

    static func open(_ key: ObjectKey, in pool: Pool, sendsFiles: Bool, isGet: Bool) async throws -> Source {
        if sendsFiles, isGet, pool.store.capabilities.features.contains(.opensFiles) { return .file(try await pool.store.openFile(key)) }
        return .stream(try await pool.store.head(key))
    }

    var info: ObjectInfo {
        switch self {
        case .file(let file): file.info
        case .stream(let info): info
        }
    }
}
