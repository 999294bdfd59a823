import MirrorCore
import MirrorStorage
import StorageCloud

extension MetadataFields {
    /// Cloud Storage, "Quotas & limits": names and values together have 8 KiB.
    static let gcs = MetadataFields(prefix: "x-goog-meta-", maxSize: 8_000)

    /// The service must not decompress objects on the way, and caches must ask whether an object still exists: by default, the service's own caches serve
    /// a public object for up to an hour after it was deleted.
    static let cacheControl = "no-cache, no-transform"

    /// The fields of an object of a pool.
    func objectHeaders(_ metadata: ObjectMetadata) -> [(name: String, value: String)] {
        headers(metadata) + [("cache-control", Self.cacheControl)]
    }

    /// The same as a resource of the JSON API.
    func resource(_ metadata: ObjectMetadata) -> JSONValue {
        var resource: [String: JSONValue] = ["cacheControl": .string(Self.cacheControl)]
        var custom: [String: JSONValue] = [:]
        for (name, value) in headers(metadata) {
            switch name {
            case "content-type": resource["contentType"] = .string(value)
            case "content-encoding": resource["contentEncoding"] = .string(value)
            case "content-disposition": resource["contentDisposition"] = .string(value)
            default: custom[String(name.dropFirst(prefix.count))] = .string(value)
            }
        }
        resource["metadata"] = .object(custom)
        return .object(resource)
    }
}
