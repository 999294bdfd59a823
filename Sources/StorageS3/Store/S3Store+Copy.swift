package import MirrorCore
package import MirrorStorage
import NIOHTTP1
import StorageCloud

extension S3Store {
    /// Objects of up to this many bytes are copied with one request.
    private static let maxWholeCopy: Int64 = 64 << 20

    package func copySource(of key: ObjectKey, size: Int64, etag: String?) -> CopySource? {
        let endpoint = client.endpoint
        return CopySource(
            service: S3Service.name, endpoint: endpoint.url, region: endpoint.region, bucket: client.bucket, key: name(of: key),
            size: size, etag: etag)
    }

    package func canCopy(from source: CopySource) -> Bool {
        guard source.service == S3Service.name, (0...Self.maxObjectSize).contains(source.size),
            let url = try? ArtifactURL(source.endpoint)
        else { return false }
        let endpoint = client.endpoint
        if endpoint.isAWS { return S3Endpoint.partition(host: url.host) == S3Endpoint.partition(host: endpoint.host) }
        return url.scheme == endpoint.scheme && url.authority == endpoint.authority
    }

    package func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        guard canCopy(from: source) else {
            throw CloudErrors.s3.error(.unsupported, "the service cannot reach \(source.endpoint)", "copy")
        }
        if condition == .absent { try await requireAbsent(key, call: "copy") }
        let metadata = MetadataFields.s3.kept(metadata)
        let info: ObjectInfo
        var stated: Digest?
        if source.size <= Self.maxWholeCopy {
            let copied = try await copyWhole(key, from: source, metadata, condition)
            info = copied.info
            stated = copied.sha256
        } else {
            info = try await copyParts(key, from: source, metadata, condition)
        }
        let problem: String? =
            if info.size != source.size {
                "\(info.size) bytes instead of \(source.size)"
            } else if let stated, let sha256 = metadata.sha256, stated != sha256 {
                "the digest \(stated) instead of \(sha256)"
            } else {
                nil
            }
        if let problem {
            // This is not the requested object.
            do { try await delete(key) } catch {}
            throw CloudErrors.s3.error(.checksumMismatch, "the copy of \(key) has \(problem)", "copy")
        }
        return info
    }

    /// - Returns: The copy, and its SHA-256 if one was requested and the service states it.
    private func copyWhole(
        _ key: ObjectKey, from source: CopySource, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> (info: ObjectInfo, sha256: Digest?) {
        var call = S3Call(
            "copy", .PUT, key: name(of: key), headers: [("x-amz-metadata-directive", "REPLACE")] + source.headers)
        call.addMetadata(metadata)
        call.offer(.copyCondition, condition.headers)
        if metadata.sha256 != nil { call.offer(.copyChecksum, [("x-amz-checksum-algorithm", "SHA256")]) }
        let request = call
        let stated: Digest? = try await retries.run { _ in
            do {
                let result = try await client.document(request)
                guard result.name == "CopyObjectResult" else {
                    throw CloudErrors.s3.odd("the service's answer is not the result of a copy", "copy")
                }
                return result["ChecksumSHA256"].flatMap { Digest(.sha256, base64: $0.text) }
            } catch let error as StorageError where condition == .absent {
                _ = try await published(key, size: source.size, metadata, despite: error)
                return nil
            }
        }
        return (try await retries.run { _ in try await head(key) }, stated)
    }

    private func copyParts(
        _ key: ObjectKey, from source: CopySource, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        let name = name(of: key)
        let id = try await retries.run { _ in try await multipart.create(name, metadata: metadata, hasChecksums: false) }.id
        do {
            let size = Self.copyPartSize(of: source.size, configured: configuration.copyPartSize, workers: configuration.copyConcurrency)
            let parts = try await copyParts(of: source.size, partSize: size, workers: configuration.copyConcurrency) { number, range in
                try await copyPart(number + 1, of: name, upload: id, from: source, range)
            }
            let completion = try await multipart.complete(name, upload: id, parts: parts, condition: condition, mayBeDone: false)
            guard case .uncertain = completion else { return try await retries.run { _ in try await head(key) } }
            return try await completed(key, size: source.size, metadata, condition: condition, call: "copy")
        } catch {
            await multipart.abort(name, upload: id)
            throw error
        }
    }

    private func copyPart(
        _ number: Int, of name: String, upload id: String, from source: CopySource, _ range: ByteRange
    ) async throws -> S3Multipart.Part {
        let call = S3Call(
            "copyPart", .PUT, key: name, query: [("partNumber", "\(number)"), ("uploadId", id)],
            headers: source.headers + [("x-amz-copy-source-range", range.fieldValue)])
        return try await retries.run { _ in
            guard let etag = try await client.document(call)["ETag"]?.text, !etag.isEmpty else {
                throw CloudErrors.s3.odd("the service returned no ETag for a part", "copyPart")
            }
            return S3Multipart.Part(number: number, etag: ObjectFields.quoted(etag), crc32c: nil)
        }
    }

    /// The object of a completion whose answer was lost.
    ///
    /// - Parameter metadata: The metadata that the upload was begun with.
    func completed(
        _ key: ObjectKey, size: Int64, _ metadata: ObjectMetadata, condition: WriteCondition, call: String
    ) async throws -> ObjectInfo {
        let info: ObjectInfo
        do {
            info = try await retries.run { _ in try await head(key) }
        } catch let error as StorageError where error.code == .notFound {
            throw CloudErrors.s3.odd("the upload of \(key) is gone, and there is no object", call)
        }
        guard info.size == size, info.metadata.isOfUpload(metadata) else {
            throw CloudErrors.s3.error(
                condition == .absent ? .preconditionFailed : .unavailable, "a different object from the one sent is at \(key)", call)
        }
        return info
    }
}

extension CopySource {
    /// Tells the service where to copy from, and what it must find there.
    fileprivate var headers: [(name: String, value: String)] {
        var place = "\(PercentCoding.encode(path: bucket))/\(PercentCoding.encode(path: key))"
        if let version { place += "?versionId=\(PercentCoding.encode(version))" }
        var headers = [(name: "x-amz-copy-source", value: place)]
        if let etag { headers.append(("x-amz-copy-source-if-match", etag)) }
        return headers
    }
}
