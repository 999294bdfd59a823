import Logging
package import MirrorCore
package import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

extension S3Store {
    package func delete(_ key: ObjectKey) async throws {
        try await sendDeletion(S3Call("delete", .DELETE, key: name(of: key)))
    }

    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await delete(keys, gone: ["NoSuchKey", "NotFound"], namespace: S3Lifecycle.namespace, logger: logger) {
            S3Call.sending("delete", subresource: "delete", $0, method: .POST, type: nil)
        }
    }
}
