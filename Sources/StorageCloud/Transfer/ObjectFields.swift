import MirrorCore

/// What services say of objects, in fields of answers and in listings.
package enum ObjectFields {
    /// - Returns: Bytes; `nil` where nothing is said, or something absurd.
    package static func size(_ text: String?) -> Int64? {
        text.flatMap { Int64(digits: $0) }.flatMap { (0...(1 << 53)).contains($0) ? $0 : nil }
    }

    /// An entity tag as it stands in a field, however a service writes it.
    package static func quoted(_ etag: String) -> String { etag.isEmpty || etag.hasPrefix("\"") ? etag : "\"\(etag)\"" }
}
