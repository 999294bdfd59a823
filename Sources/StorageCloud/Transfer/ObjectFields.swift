import MirrorCore

/// Parses what services state about objects in header fields and listings.
package enum ObjectFields {
    /// - Returns: Bytes; `nil` if nothing or something absurd is stated.
    package static func size(_ text: String?) -> Int64? {
        text.flatMap { Int64(digits: $0) }.flatMap { (0...(1 << 53)).contains($0) ? $0 : nil }
    }

    /// An entity tag with quotes, whether or not the service writes them.
    package static func quoted(_ etag: String) -> String { etag.isEmpty || etag.hasPrefix("\"") ? etag : "\"\(etag)\"" }
}
