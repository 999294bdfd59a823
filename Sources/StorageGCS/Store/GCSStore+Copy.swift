package import MirrorCore
package import MirrorStorage
import NIOHTTP1
import StorageCloud

extension GCSStore {
    package func canCopy(from source: CopySource) -> Bool {
        source.service == GCSService.name && source.endpoint == client.endpoint.url && configuration.hasTokens
            && (0...Self.maxObjectSize).contains(source.size)
    }

    package func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        guard canCopy(from: source) else {
            throw CloudErrors.gcs.error(.unsupported, "the service cannot reach \(source.endpoint)", "copy")
        }
        let metadata = MetadataFields.gcs.kept(metadata)
        let found = try await look(at: source)
        let copied = try await rewrite(key, from: source, found, metadata, condition)
        let info = try await retries.run { _ in try await head(key) }
        guard info.size == source.size, copied.map({ $0.agrees(with: found.hashes) }) ?? true else {
            // It is not the object that was requested.
            do { try await delete(key) } catch {}
            throw CloudErrors.gcs.odd("the copy of \(key) is not the object that was copied", "copy")
        }
        return info
    }

    /// The source of a copy: one generation of an object.
    private struct Found {
        var generation: String
        var hashes: ObjectHashes
    }

    /// Looks up the source in the XML API: only there it has this entity tag.
    ///
    /// - Throws: `.preconditionFailed` if it is no longer as `source` says.
    private func look(at source: CopySource) async throws -> Found {
        let other = GCSClient(
            bucket: source.bucket, endpoint: client.endpoint, credentials: configuration.credentials, connection: client.connection)
        let call = GCSCall("copy", .HEAD, key: source.key, query: source.version.map { [("generation", $0)] } ?? [])
        let answer = try await retries.run { _ in try await other.send(call) }
        guard let generation = answer.generation else { throw CloudErrors.gcs.odd("the service does not say which object it has", "copy") }
        let size = ObjectFields.size(
            answer.headers.first(name: "x-goog-stored-content-length") ?? answer.headers.first(name: "content-length"))
        let etag = ObjectFields.quoted(answer.headers.first(name: "etag") ?? "")
        guard size == source.size, source.etag == nil || source.etag == etag else {
            throw CloudErrors.gcs.error(.preconditionFailed, "\(other.subject(of: call)) is no longer what it was", "copy")
        }
        return Found(generation: generation, hashes: ObjectHashes(answer.headers))
    }

    /// Answers in a row that report no progress.
    private static let maxIdleAnswers = 20

    /// Copies an object of any size, in as many calls as the service asks for.
    ///
    /// - Returns: The hashes of the copy; `nil` if an earlier request made it and its answer was lost.
    /// - SeeAlso: Cloud Storage JSON API, "Objects: rewrite".
    private func rewrite(
        _ key: ObjectKey, from source: CopySource, _ found: Found, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectHashes? {
        let path = ["b", source.bucket, "o", source.key, "rewriteTo", "b", client.bucket, "o", name(of: key)]
        var query = condition.query
        query.append(("ifSourceGenerationMatch", found.generation))
        if source.version != nil { query.append(("sourceGeneration", found.generation)) }
        let body = MetadataFields.gcs.resource(metadata)
        var token: String?
        var rewritten: Int64 = 0
        var idle = 0
        while true {
            var step = GCSCall.json("copy", .POST, path, query: query, body: body)
            if let token { step.query.append(("rewriteToken", token)) }
            guard let answer = try await rewriteStep(step, key, size: source.size, metadata, condition) else { return nil }
            if answer["done"] == .bool(true) {
                return ObjectHashes(crc32c: answer["resource"]?["crc32c"]?.string, md5: answer["resource"]?["md5Hash"]?.string)
            }
            guard let next = answer["rewriteToken"]?.string, let count = answer["totalBytesRewritten"]?.count, count >= rewritten else {
                throw CloudErrors.gcs.odd("the service does not say how the copy continues", "copy")
            }
            idle = count > rewritten ? 0 : idle + 1
            guard idle < Self.maxIdleAnswers else { throw CloudErrors.gcs.odd("the service makes no progress with the copy", "copy") }
            (token, rewritten) = (next, count)
        }
    }

    /// - Returns: `nil` if an earlier request made the copy and its answer was lost.
    private func rewriteStep(
        _ step: GCSCall, _ key: ObjectKey, size: Int64, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> JSONValue? {
        try await retries.run { _ -> JSONValue? in
            do {
                return try await client.object(step)
            } catch let error as StorageError where condition == .absent {
                _ = try await published(key, size: size, metadata, despite: error)
                return nil
            }
        }
    }
}

extension JSONValue {
    /// A number of bytes, which the service writes as text.
    fileprivate var count: Int64? {
        switch self {
        case .string(let text): Int64(digits: text)
        case .integer(let number): number
        case .null, .bool, .number, .array, .object: nil
        }
    }
}
