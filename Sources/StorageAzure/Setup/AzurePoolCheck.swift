import MirrorCore
import MirrorStorage
import StorageCloud

/// Tries everything that a pool needs from its container.
struct AzurePoolCheck: PoolCheck {
    let setup: AzurePoolSetup

    var credentialsSource: String { setup.credentialsSource }
    private var target: AzurePoolTarget { setup.target }

    var words: PoolCheckWords {
        let contributor = "Storage Blob Data Contributor"
        let reader = "Storage Blob Data Reader"
        var words = PoolCheckWords(
            grant: { "assign \($0) on the container" }, write: contributor, read: reader, list: reader, delete: contributor,
            parts: ("blocks", contributor), condition: "If-None-Match",
            publicAdvice: target.reading.isElsewhere
                ? "the server behind publicURL must give everyone the container's objects"
                : "run `cloud-mirror pools apply`, which makes them public; if it has, the account does not allow public access: run "
                    + "`az storage account update --name \(target.account) --allow-blob-public-access true`, or choose "
                    + "`access: presigned`",
            signedAdvice:
                "the way from clients to the container must leave path and query as they are, and the account's firewall must let "
                + "clients in")
        words.buckets = "containers"
        return words
    }

    var probeStore: AzureStore {
        var probe = setup.configuration
        probe.reading.keyPrefix += ProbeObjects.folder
        return AzureStore(
            configuration: probe, http: setup.http, clock: setup.clock, clockOffset: setup.client.clockOffset, logger: setup.logger)
    }

    func name(of credentials: AzureCredentials) -> String { credentials.name }

    func ending(of credentials: AzureCredentials, _ expires: Timestamp) -> String {
        if case .token = credentials.kind { return ", which expires at \(expires.iso8601) and is renewed before" }
        return ", which expires at \(expires.iso8601)"
    }

    func checkBucket(_ say: Say) async throws -> Void? {
        do {
            switch try await setup.state().exists {
            case .value(true):
                say(.ok, "container: \(target.container) exists in the account \(target.account)")
                return ()
            case .value(false):
                say(
                    .error,
                    "container: there is no container \(target.container): run `cloud-mirror pools apply`, or correct its name or endpoint")
            case .unsupported:
                say(.error, "container: \(target.place) is not Azure Blob Storage, or does not say which containers it has")
            case .unknown(let reason): say(.error, "container: \(reason)")
            }
        } catch let error as StorageError {
            say(.error, "container: \(error.message)")
        }
        return nil
    }

    func checkLifecycle(_: Void, _ say: Say) {
        say(
            .ok,
            "lifecycle: the mirror deletes what it does not keep; a rule for forgotten objects is a setting of the account "
                + "(`pools apply` shows one)")
    }

    // MARK: Objects

    func uploadInParts(_ objects: ProbeObjects, in store: AzureStore) async throws {
        let (name, ids) = (store.name(of: objects.inParts), BlockIDs())
        let block = try await store.blocks.write(ids.id(part: 0, attempt: 1), of: name, .bytes([objects.body]))
        _ = try await store.blocks.commit(name, [block], metadata: objects.metadata, condition: .absent)
    }

    func source(_ object: ObjectInfo, in store: AzureStore) -> CopySource {
        CopySource(
            service: AzureService.name, endpoint: store.client.endpoint.url, region: store.client.endpoint.account,
            bucket: store.client.bucket, key: store.name(of: object.key), size: object.size, etag: object.etag)
    }

    func checkMore(_ written: ObjectInfo, _ objects: ProbeObjects, in store: AzureStore, _ say: Say) async throws {
        guard setup.configuration.pullsURLs else { return }
        try await attemptByService(say, "fetch from URLs", otherwise: "all artifacts pass through the mirror") {
            let name = store.name(of: objects.whole)
            var url = store.client.url(ofKey: name)
            do {
                url = try await store.client.signedURL(ofKey: name, life: .seconds(60)).url
            } catch let error as StorageError where error.code == .permissionDenied {
                // Without a way to sign, the objects may be public.
            }
            let source = URLSource(url: try ArtifactURL(url), isPublic: true, size: objects.size, etag: written.etag)
            _ = try await store.pull(objects.fetched, from: source, metadata: objects.metadata, condition: .absent) {}
            try await objects.requireBody(objects.fetched, in: store)
        }
    }

    func delete(_ keys: [ObjectKey], in store: AzureStore) async throws {
        for (key, error) in try await store.delete(keys) where error.code != .notFound {
            throw CloudErrors.azure.error(error.code, "\(key): \(error.message)", "delete")
        }
    }
}
