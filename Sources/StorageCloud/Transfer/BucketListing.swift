package import MirrorCore
package import MirrorStorage

/// Lists a bucket of a service with version 2 of listings ("ListObjectsV2").
package struct BucketListing: Sendable {
    /// The query of a request, not encoded.
    package typealias Query = [(name: String, value: String?)]

    /// Bytes of a page: 1,000 encoded keys of up to 1,024 bytes, with their fields.
    package static let maxPageSize = 8 << 20

    private let keyPrefix: String
    private let errors: CloudErrors

    /// - Parameter keyPrefix: The prefix of the names of a pool's objects.
    package init(keyPrefix: String, errors: CloudErrors) {
        self.keyPrefix = keyPrefix
        self.errors = errors
    }

    /// - Parameter limit: Keys in the page.
    package func query(limit: Int, after: String? = nil) -> Query {
        // Without `encoding-type=url`: services disagree on what `+` means in it, and all our keys are valid in XML.
        var query: Query = [("list-type", "2"), ("max-keys", "\(limit)")]
        if !keyPrefix.isEmpty { query.append(("prefix", keyPrefix)) }
        if let after { query.append(("start-after", after)) }
        return query
    }

    /// - Parameters:
    ///   - limit: Objects; 1 to 1000.
    ///   - now: By the service's clock: used if the service does not say when an object was written.
    ///   - document: Requests one page of at most ``maxPageSize`` bytes.
    /// - Returns: The objects after `after`, in the order of keys.
    /// - Throws: `.invalidRequest` for another limit; `.unavailable` if the service's answers are not listings; errors of `document`.
    package func objects(
        after: ObjectKey?, limit: Int, now: @autoclosure () -> Timestamp, _ document: (Query) async throws -> XMLTree
    ) async throws -> [ObjectInfo] {
        guard (1...1000).contains(limit) else { throw errors.invalid("a page has 1 to 1000 objects", "list") }
        var found: [ObjectInfo] = []
        var start = after.map { keyPrefix + $0.description }
        repeat {
            let page = try page(try await document(query(limit: limit, after: start)), now: now())
            // Sorted again, because we promise an order of keys that not every service keeps.
            found += page.objects.filter { info in after.map { $0.precedes(info.key) } ?? true }
            // Foreign objects and uploads in progress take room in pages, but do not count.
            guard let last = page.last else { break }
            guard start.map({ $0.utf8.lexicographicallyPrecedes(last.utf8) }) ?? true else {
                throw errors.odd("the service's pages are not in order", "list")
            }
            start = last
        } while found.count < limit
        return Array(found.sorted { $0.key.precedes($1.key) }.prefix(limit))
    }

    struct Page {
        var objects: [ObjectInfo]
        /// The key after which the next page begins; `nil` if there is none.
        var last: String?
    }

    func page(_ document: XMLTree, now: Timestamp) throws -> Page {
        guard document.name == "ListBucketResult" else { throw errors.odd("the service's answer is not a listing", "list") }
        var page = Page(objects: [])
        for entry in document.all("Contents") {
            guard let name = entry["Key"]?.text else { throw errors.odd("the service lists an entry without a key", "list") }
            page.last = name
            guard let key = ObjectKey(name, without: keyPrefix) else { continue }
            guard let size = ObjectFields.size(entry["Size"]?.text) else {
                throw errors.odd("the service does not say how long the object \(key) is", "list")
            }
            page.objects.append(
                ObjectInfo(listed: key, size: size, etag: entry["ETag"]?.text, lastModified: entry["LastModified"]?.text, now: now))
        }
        if document["IsTruncated"]?.text != "true" { page.last = nil }
        return page
    }
}

extension ObjectKey {
    /// The key of an object from its name in the bucket.
    ///
    /// - Returns: `nil` if the name does not belong to a pool with this prefix.
    package init?(_ name: String, without keyPrefix: String) {
        // By bytes, because a combining mark after the prefix's slash does not belong to the prefix.
        let prefix = keyPrefix.utf8
        guard name.utf8.starts(with: prefix) else { return nil }
        self.init(String(Substring(name.utf8.dropFirst(prefix.count))))
    }
}

extension ObjectInfo {
    /// An object's information from a listing.
    package init(listed key: ObjectKey, size: Int64, etag: String?, lastModified: String?, now: Timestamp) {
        let lastModified = lastModified.flatMap(Timestamp.init(rfc3339OrHTTPDate:)) ?? now
        self.init(
            key: key, size: size, etag: ObjectFields.quoted(etag ?? ""), lastModified: lastModified,
            metadata: ObjectMetadata(upstreamURL: "", stored: lastModified))
    }
}
