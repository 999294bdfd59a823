import Logging
package import MirrorCore
package import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

extension GCSStore {
    package func delete(_ key: ObjectKey) async throws {
        try await delete(name: name(of: key))
    }

    /// - Parameter generation: The object must still be this one; `nil` for whatever is there.
    func delete(name: String, generation: String? = nil) async throws {
        var call = GCSCall("delete", .DELETE, key: name)
        if let generation { call.headers.append(("x-goog-if-generation-match", generation)) }
        try await sendDeletion(call)
    }

    /// - SeeAlso: Cloud Storage, XML API, "Delete multiple objects".
    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await delete(keys, gone: ["NoSuchKey"], logger: client.logger) { document in
            GCSCall(
                "delete", .POST, query: [("delete", nil)], headers: [("content-type", "application/xml")],
                body: .bytes([ByteBuffer(string: document)]))
        }
    }
}
