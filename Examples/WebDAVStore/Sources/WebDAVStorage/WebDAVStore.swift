public import MirrorCore
import MirrorNet
public import MirrorStorage
import NIOHTTP1

/// A pool in a collection on a WebDAV server.
///
/// The bytes of an object are a file, which clients read from the server itself. What else is known of it is in a second file, the sidecar.
/// The sidecar makes the object: it comes last when an object is stored, and goes first when one is deleted or replaced. See ``PoolLayout``.
public struct WebDAVStore: ObjectStore {
    /// What all pools can do.
    public static let capabilities = StoreCapabilities(features: [.listsMetadata, .keepsDigestOfParts], maxParts: 1)

    /// Requests at the same time that one call makes.
    static let width = 16

    let client: WebDAVClient
    /// What locations begin with.
    private let locations: String
    /// One task at a time changes an object: otherwise the bytes of one upload could meet the sidecar of another.
    let changes = FairSemaphore<ObjectKey>(limit: 1)

    init(_ client: WebDAVClient, locations: ArtifactURL) {
        self.client = client
        self.locations = locations.withoutSlash
    }

    public var capabilities: StoreCapabilities { Self.capabilities }

    // MARK: Reading

    public func head(_ key: ObjectKey) async throws -> ObjectInfo {
        guard let info = try await object(sidecar: PoolLayout.sidecar(of: key)), info.key == key else { throw Self.absent(key, "head") }
        return info
    }

    public func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        guard let sidecar = try await sidecar(PoolLayout.sidecar(of: key)), let info = sidecar.info, info.key == key else {
            throw Self.absent(key, "get")
        }
        var held: ByteRange?
        if let range {
            held = range.clamped(toSize: info.size)
            guard held != nil else {
                throw StorageError(.invalidRequest, "the range begins beyond the object's end", operation: "\(WebDAVService.name).get")
            }
        }
        let answer: (response: ServiceResponse, body: ByteStream)
        do {
            answer = try await client.get(PoolLayout.data(of: key), range: held, ifMatch: sidecar.strongETag)
        } catch let error as StorageError where error.code == .preconditionFailed {
            // Somebody has put another file there.
            throw Self.absent(key, "get")
        }
        let (response, length) = (answer.response, held?.length ?? info.size)
        // 200 is an answer to a request for a range, too: that with all of the file.
        guard held == nil || response.status == 206 || length == info.size else {
            throw StorageError(.unsupported, "the server gives no ranges of files", operation: "\(WebDAVService.name).get")
        }
        let isWhole = response.contentLength.map { $0 == length } ?? true
        guard isWhole, sidecar.fits(.init(length: nil, etag: response.headers.first(name: "etag"))) else { throw Self.absent(key, "get") }
        return ObjectContent(info: info, range: held, body: answer.body)
    }

    /// What a sidecar says, if the bytes are there that it belongs to.
    func object(sidecar path: String) async throws -> ObjectInfo? {
        guard let sidecar = try await sidecar(path), let info = sidecar.info else { return nil }
        do {
            return sidecar.fits(try await client.head(PoolLayout.data(of: info.key))) ? info : nil
        } catch let error as StorageError where error.code == .notFound {
            return nil
        }
    }

    private func sidecar(_ path: String) async throws -> Sidecar? {
        do {
            return Sidecar(try await client.document(path, limit: Sidecar.maxLength))
        } catch let error as StorageError where error.code == .notFound {
            return nil
        }
    }

    private static func absent(_ key: ObjectKey, _ call: String) -> StorageError {
        StorageError(.notFound, "no object \(key)", operation: "\(WebDAVService.name).\(call)")
    }

    // MARK: Writing

    public func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        WebDAVUpload(store: self, key: key, metadata: metadata)
    }

    /// The collections stay: to delete one is to delete what is in it, and that may be new.
    public func delete(_ key: ObjectKey) async throws {
        try await changes.withPermit(key) {
            try await client.delete(PoolLayout.sidecar(of: key))
            try await client.delete(PoolLayout.data(of: key))
        }
    }

    /// Several at the same time.
    public func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        let failures = try await keys.concurrentMap(width: Self.width) { key -> StorageError? in
            do {
                try await delete(key)
                return nil
            } catch let error as StorageError {
                return error
            }
        }
        return Dictionary(zip(keys, failures).compactMap { key, error in error.map { (key, $0) } }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: The rest

    public func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        ObjectLocation(url: "\(locations)/\(PoolLayout.data(of: key))")
    }

    public func checkHealth() async throws {
        try await client.check()
    }
}
