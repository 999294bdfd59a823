package import MirrorCore
package import MirrorStorage

extension PageWatch {
    /// The same for the listing of a bucket.
    ///
    /// - Throws: `.unavailable`.
    package mutating func turn(to marker: String, found: Int, _ errors: CloudErrors) throws(StorageError) {
        do {
            try turn(to: marker, found: found)
        } catch {
            throw errors.odd("the service's list \(error.reason)", "list")
        }
    }
}
