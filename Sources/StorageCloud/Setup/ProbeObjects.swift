import Crypto
package import MirrorCore
package import MirrorStorage
package import NIOCore

/// The objects that the check of a pool writes, all in one folder.
package struct ProbeObjects: Sendable {
    /// The prefix of their names in the bucket, after the pool's own prefix; it says what they are.
    package static let folder = "cloud-mirror-probe-may-be-deleted/"

    package let whole: ObjectKey
    package let inParts: ObjectKey
    package let copy: ObjectKey
    package let fetched: ObjectKey
    package let body: ByteBuffer
    package let metadata: ObjectMetadata
    private let errors: CloudErrors

    package init(now: Timestamp, errors: CloudErrors) throws {
        self.errors = errors
        let folder = RandomBytes.hex(8)
        func key(_ name: String) throws -> ObjectKey { ObjectKey(try ArtifactURL("https://probe.invalid/\(folder)/\(name)")) }
        whole = try key("whole")
        inParts = try key("in-parts")
        copy = try key("copy")
        fetched = try key("fetched")
        body = ByteBuffer(string: "Written by `cloud-mirror pools check`, which removes it. It may be deleted.\n")
        metadata = ObjectMetadata(contentType: "text/plain", upstreamURL: "", stored: now)
    }

    /// The names of all that may have been written.
    package var keys: [ObjectKey] { [whole, inParts, copy, fetched] }

    /// Bytes of each object.
    package var size: Int64 { Int64(body.readableBytes) }

    /// Writes ``whole``, which must not exist.
    ///
    /// - Parameter isSecond: Whether this is another object, which must not replace the first.
    package func upload(to store: some ObjectStore, isSecond: Bool = false) async throws -> ObjectInfo {
        var metadata = metadata
        // Distinguishes the objects of two uploads.
        if isSecond { metadata.stored = metadata.stored + .seconds(1) }
        let upload = try await store.beginUpload(whole, metadata: metadata, expectedSize: size)
        _ = try await upload.write(UploadPart(number: 0, offset: 0, length: size), from: ByteStream(body))
        let sha256 = Array(SHA256.hash(data: Array(body.readableBytesView)))
        guard let digest = MirrorCore.Digest(.sha256, bytes: sha256) else { throw errors.invalid("no digest", "put") }
        return try await upload.complete(size: size, sha256: digest, condition: .absent)
    }

    package func requireBody(_ key: ObjectKey, in store: some ObjectStore) async throws {
        guard try await store.get(key, range: nil).body.collect(upTo: 4_096) == body else {
            throw errors.odd("the data that was read differs from the data that was written", "get")
        }
    }

    package func requireSize(in store: some ObjectStore) async throws {
        guard try await store.head(whole).size == size else {
            throw errors.odd("the object that was just written has a different size", "head")
        }
    }

    package func requireListed(in store: some ObjectStore) async throws {
        guard try await store.list(after: nil, limit: 1_000).contains(where: { $0.key == whole }) else {
            throw errors.odd("the object that was just written is not in the listing", "list")
        }
    }
}
