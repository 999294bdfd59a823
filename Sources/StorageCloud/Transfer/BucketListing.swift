package import MirrorCore
package import MirrorStorage

/// Lists a bucket whose service has the calls and documents of version 2 of listings ("ListObjectsV2").
package struct BucketListing: Sendable {
    /// Of a request: not encoded.
    package typealias Query = [(name: String, value: String?)]

    /// Bytes of a page: 1,000 keys of up to 1,024 bytes, encoded, with their fields.
    package static let maxPageSize = 8 << 20

    private let keyPrefix: String
    private let errors: CloudErrors

    /// - Parameter keyPrefix: What the names of a pool's objects begin with.
    package init(keyPrefix: String, errors: CloudErrors) {
        self.keyPrefix = keyPrefix
        self.errors = errors
    }

    /// - Parameter limit: Keys of the page.
    package func query(limit: Int, after: String? = nil) -> Query {
        // Without `encoding-type=url`: services do not agree on what `+` means in it, and no key of ours is beyond XML.
        var query: Query = [("list-type", "2"), ("max-keys", "\(limit)")]
        if !keyPrefix.isEmpty { query.append(("prefix", keyPrefix)) }
        if let after { query.append(("start-after", after)) }
        return query
    }

    /// - Parameters:
    ///   - limit: Objects; 1 to 1000.
    ///   - now: By the service's clock: when an object was written of which the service does not say.
    ///   - document: Asks for one page of at most ``maxPageSize`` bytes.
    /// - Returns: The objects behind `after`, in the order of keys.
    /// - Throws: `.invalidRequest` for another limit; `.unavailable` when the service's answers are not listings; what `document` throws.
    package func objects(
        after: ObjectKey?, limit: Int, now: @autoclosure () -> Timestamp, _ document: (Query) async throws -> XMLTree
    ) async throws -> [ObjectInfo] {
        guard (1...1000).contains(limit) else { throw errors.invalid("a page has 1 to 1000 objects", "list") }
        var found: [ObjectInfo] = []
        var start = after.map { keyPrefix + $0.description }
        repeat {
            let page = try page(try await document(query(limit: limit, after: start)), now: now())
            // Sorted again, because the order of keys is our promise and not every service's.
            found += page.objects.filter { info in after.map { $0.precedes(info.key) } ?? true }
            // What other people keep in the bucket takes room in pages, and counts for nothing; so do uploads under way.
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
        /// The key behind which the next page begins; `nil` when there is none.
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
    /// The key of an object whose name in its bucket is `name`.
    ///
    /// - Returns: `nil` for what was not written by a pool with this prefix.
    package init?(_ name: String, without keyPrefix: String) {
        // By bytes: a mark that combines with the prefix's slash is not part of it.
        let prefix = keyPrefix.utf8
        guard name.utf8.starts(with: prefix) else { return nil }
        self.init(String(Substring(name.utf8.dropFirst(prefix.count))))
    }
}

extension ObjectInfo {
    /// What a listing says of an object.
    package init(listed key: ObjectKey, size: Int64, etag: String?, lastModified: String?, now: Timestamp) {
        let lastModified = lastModified.flatMap(Timestamp.init(rfc3339OrHTTPDate:)) ?? now
        self.init(
            key: key, size: size, etag: ObjectFields.quoted(etag ?? ""), lastModified: lastModified,
            metadata: ObjectMetadata(upstreamURL: "", stored: lastModified))
    }
}
