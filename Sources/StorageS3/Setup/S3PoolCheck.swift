import MirrorCore
import MirrorStorage
import NIOHTTP1
import StorageCloud

/// Tries everything that a pool needs from its bucket.
struct S3PoolCheck: PoolCheck {
    let setup: S3PoolSetup
    let credentialsSource: String

    private var client: S3Client { setup.client }
    private var target: S3PoolTarget { setup.target }

    var words: PoolCheckWords {
        var words = PoolCheckWords(
            grant: { "permit \($0)" }, write: "s3:PutObject", read: "s3:GetObject", list: "s3:ListBucket", delete: "s3:DeleteObject",
            parts: ("parts", "s3:PutObject and s3:AbortMultipartUpload"), condition: "If-None-Match",
            publicAdvice: Self.adviceOnReading(target.reading),
            signedAdvice: "the way from clients to the bucket must leave Host, path and query as they are")
        words.copies = "may copy objects within the service"
        return words
    }

    var probeStore: S3Store {
        var probe = setup.configuration
        probe.endpoint = client.endpoint
        probe.reading.keyPrefix += ProbeObjects.folder
        return S3Store(configuration: probe, http: client.http, clock: setup.clock, logger: client.logger)
    }

    func name(of credentials: S3Credentials) -> String { credentials.accessKeyID }

    func checkBucket(_ say: Say) async throws -> Void? {
        do {
            switch try await setup.existence() {
            case .value(true): break
            case .value(false):
                say(.error, "bucket: there is no bucket \(target.bucket): run `cloud-mirror pools apply`, or correct its name or endpoint")
                return nil
            case .unsupported:
                say(.error, "bucket: \(target.endpoint.url) is not an S3 server that says which buckets it has")
                return nil
            case .unknown(let reason):
                say(.error, "bucket: \(reason)")
                return nil
            }
            let region = try await setup.region()
            if let region, region != target.endpoint.region, target.endpoint.isAWS {
                say(
                    .error,
                    "bucket: \(target.bucket) is in \(region), and the pool is for \(target.endpoint.region): write `region: \(region)`")
                return nil
            }
            say(.ok, "bucket: \(target.bucket) exists\(region.map { " in \($0)" } ?? "")")
            return ()
        } catch let error as StorageError {
            say(.error, "bucket: \(error.message)")
            return nil
        }
    }

    func checkLifecycle(_: Void, _ say: Say) async throws {
        do {
            switch try await setup.lifecycle() {
            case .unsupported: say(.ok, "lifecycle: not supported by this server; the mirror deletes what it does not keep")
            case .unknown(let reason): say(.warning, "lifecycle: cannot be read: \(reason)")
            case .value(let known):
                let lifecycle = known ?? S3Lifecycle()
                for rule in lifecycle.premature(for: target) { say(.error, "lifecycle: \(target.premature(rule))") }
                if lifecycle.hasExpiry(of: target), lifecycle.hasAbort(of: target) {
                    say(.ok, "lifecycle: forgotten objects and uploads expire")
                } else {
                    say(.warning, "lifecycle: nothing deletes forgotten objects or uploads: run `cloud-mirror pools apply`")
                }
            }
        } catch let error as StorageError {
            say(.warning, "lifecycle: \(error.message)")
        }
        for (quirk, reason) in setup.configuration.quirks.refusals(at: setup.clock.instant) {
            say(.warning, "the server does not accept \(quirk.words) (\(reason)); it is left out: \(quirk.substitute)")
        }
    }

    // MARK: Objects

    /// Aborts one upload, and completes another.
    func uploadInParts(_ objects: ProbeObjects, in store: S3Store) async throws {
        let name = store.name(of: objects.inParts)
        let hasChecksums = store.client.sendsChecksums
        let abandoned = try await store.multipart.create(name, metadata: objects.metadata, hasChecksums: hasChecksums)
        _ = try await store.client.send(S3Call("abort", .DELETE, key: name, query: [("uploadId", abandoned.id)]))
        let begun = try await store.multipart.create(name, metadata: objects.metadata, hasChecksums: hasChecksums)
        do {
            let bytes = CallBody.bytes([objects.body])
            let part = try await store.multipart.write(
                1, of: name, upload: begun.id, bytes, crc32c: begun.hasChecksums ? bytes.crc32c : nil)
            _ = try await store.multipart.complete(name, upload: begun.id, parts: [part], condition: .absent, mayBeDone: false)
        } catch {
            await store.multipart.abort(name, upload: begun.id)
            throw error
        }
    }

    func source(_ object: ObjectInfo, in store: S3Store) -> CopySource {
        CopySource(
            service: S3Service.name, endpoint: store.client.endpoint.url, region: store.client.endpoint.region, bucket: store.client.bucket,
            key: store.name(of: object.key), size: object.size, etag: object.etag.isEmpty ? nil : object.etag)
    }
}
