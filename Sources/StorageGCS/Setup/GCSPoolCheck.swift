import MirrorCore
import MirrorStorage
import StorageCloud

/// Tries everything that a pool needs from its bucket.
struct GCSPoolCheck: PoolCheck {
    let setup: GCSPoolSetup
    let credentialsSource: String

    private var target: GCSPoolTarget { setup.target }

    var words: PoolCheckWords {
        var words = PoolCheckWords(
            grant: { "grant \($0)" }, write: "storage.objects.create", read: "storage.objects.get", list: "storage.objects.list",
            delete: "storage.objects.delete",
            parts: ("parts", "storage.multipartUploads.create and storage.multipartUploads.abort"), condition: "x-goog-if-generation-match",
            publicAdvice: Self.adviceOnReading(target.reading),
            signedAdvice: "the account that signs must be allowed to read objects, "
                + "and the way from clients to the bucket must leave Host, path and query as they are")
        words.signed = "signed"
        words.copies = "may copy objects within the service"
        return words
    }

    var probeStore: GCSStore {
        var probe = setup.configuration
        probe.reading.keyPrefix += ProbeObjects.folder
        return GCSStore(configuration: probe, connection: setup.client.connection)
    }

    func name(of credentials: GCSCredentials) -> String { credentials.owner ?? "a token" }

    /// - Returns: The bucket's settings, if they can be seen.
    func checkBucket(_ say: Say) async throws -> KnownSetting<GCSBucket>? {
        do {
            switch try await setup.bucket() {
            case .value(let bucket?):
                guard bucket.location == target.location.lowercased() else {
                    say(
                        .error,
                        "bucket: \(target.bucket) is in \(bucket.location), and the pool is for \(target.location): write `region: \(bucket.location)`"
                    )
                    return nil
                }
                say(.ok, "bucket: \(target.bucket) exists in \(bucket.location)")
                return .value(bucket)
            case .value(nil):
                say(.error, "bucket: there is no bucket \(target.bucket): run `cloud-mirror pools apply`, or correct its name or endpoint")
                return nil
            case .unsupported:
                say(.warning, "bucket: \(target.endpoint.url) does not say what settings the bucket has")
                return .unsupported
            case .unknown(let reason):
                say(.warning, "bucket: \(reason)")
                return .unknown(reason)
            }
        } catch let error as StorageError {
            say(.error, "bucket: \(error.message)")
            return nil
        }
    }

    func checkLifecycle(_ known: KnownSetting<GCSBucket>, _ say: Say) {
        guard case .value(let bucket) = known else { return say(.warning, "lifecycle: cannot be read") }
        for rule in bucket.lifecycle.premature(for: target) { say(.error, "lifecycle: \(rule.premature(for: target))") }
        if bucket.lifecycle.hasExpiry(of: target), bucket.lifecycle.hasCleanup(of: target) {
            say(.ok, "lifecycle: forgotten objects and uploads expire")
        } else {
            say(.warning, "lifecycle: nothing deletes forgotten objects or uploads: run `cloud-mirror pools apply`")
        }
        if bucket.softDeleteSeconds > 0 {
            say(.warning, "soft deletion: what the mirror deletes is kept and charged for, for \(bucket.softDeleteSeconds / 86_400) days")
        }
    }

    // MARK: Objects

    /// One upload that is given up, and one that is completed and published.
    func uploadInParts(_ objects: ProbeObjects, in store: GCSStore) async throws {
        let name = "\(store.configuration.uploadPrefix)\(objects.inParts.hash)"
        let abandoned = try await store.multipart.create(name)
        await store.multipart.abort(name, upload: abandoned)
        let id = try await store.multipart.create(name)
        do {
            let part = try await store.multipart.write(1, of: name, upload: id, .bytes([objects.body]), length: objects.size)
            let object = try await store.multipart.complete(name, upload: id, parts: [part])
            _ = try await store.publish(object, at: objects.inParts, objects.metadata, .absent)
        } catch {
            await store.multipart.abort(name, upload: id)
            await store.discard([name])
            throw error
        }
        try await store.delete(name: name)
    }

    func source(_ object: ObjectInfo, in store: GCSStore) -> CopySource {
        CopySource(
            service: GCSService.name, endpoint: store.client.endpoint.url, region: "", bucket: store.client.bucket,
            key: store.name(of: object.key), size: object.size, etag: object.etag)
    }
}
