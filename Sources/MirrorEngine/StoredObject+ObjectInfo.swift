package import MirrorCore
package import MirrorStorage

extension StoredObject {
    /// What the state keeps about an object in a pool.
    package init(_ info: ObjectInfo, lastUsed: Timestamp) {
        self.init(key: info.key, size: info.size, sha256: info.metadata.sha256, storedAt: info.metadata.stored, lastUsed: lastUsed)
    }
}
