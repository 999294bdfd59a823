package import MirrorCore
package import MirrorStorage
package import NIOCore

/// An upload into a bucket: one request if the object is in memory, otherwise parts.
package protocol CloudUpload: ObjectUpload {
    associatedtype Sent: Sendable

    var parts: UploadParts<Sent> { get }
    /// As the service will return it; without a digest.
    var metadata: ObjectMetadata { get }

    /// Publishes an object that is in memory.
    func put(_ chunks: [ByteBuffer], _ metadata: ObjectMetadata, _ condition: WriteCondition) async throws -> ObjectInfo
    /// Publishes an object of parts.
    func assemble(_ whole: UploadParts<Sent>.Whole, _ metadata: ObjectMetadata, _ condition: WriteCondition) async throws -> ObjectInfo
    /// Removes what is left of the upload when the object has been published.
    func cleanUp() async
}

extension CloudUpload {
    package func cleanUp() async {}

    package func read(_ range: ByteRange) async throws -> ByteStream {
        throw parts.errors.error(.unsupported, "an upload cannot be read before it is complete", "read")
    }

    package func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        let whole = try parts.whole(size: size)
        var complete = metadata
        complete.sha256 = sha256
        do {
            let info: ObjectInfo
            if let chunks = whole.held {
                info = try await put(chunks, complete, condition)
            } else {
                info = try await assemble(whole, complete, condition)
            }
            if parts.close() { await cleanUp() }
            return info
        } catch let error as StorageError where error.code == .preconditionFailed {
            await abort()
            throw error
        }
    }
}
