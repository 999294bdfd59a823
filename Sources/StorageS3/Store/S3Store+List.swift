package import MirrorCore
package import MirrorStorage
import NIOHTTP1
import StorageCloud

extension S3Store {
    /// Bytes of a page: 1,000 keys of up to 1,024 bytes, encoded, with their fields.
    private static let maxPageSize = 8 << 20

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        guard (1...1000).contains(limit) else { throw CloudErrors.s3.invalid("a page has 1 to 1000 objects", "list") }
        var found: [ObjectInfo] = []
        var start = after.map(name(of:))
        repeat {
            let page = try await page(after: start, limit: limit)
            // Sorted again, because the order of keys is our promise and not every service's.
            found += page.objects.filter { info in after.map { $0.precedes(info.key) } ?? true }
            // What other people keep in the bucket takes room in pages, and counts for nothing.
            guard let last = page.last else { break }
            guard start.map({ $0.utf8.lexicographicallyPrecedes(last.utf8) }) ?? true else {
                throw CloudErrors.s3.odd("the service's pages are not in order", "list")
            }
            start = last
        } while found.count < limit
        return Array(found.sorted { $0.key.precedes($1.key) }.prefix(limit))
    }

    private struct Page {
        var objects: [ObjectInfo]
        /// The key where the next page begins; `nil` when there is none.
        var last: String?
    }

    /// - Returns: `nil` for what was not written by a pool with this prefix.
    private func key(named name: String) -> ObjectKey? {
        // By bytes: a mark that combines with the prefix's slash is not part of it.
        let prefix = configuration.keyPrefix.utf8
        guard name.utf8.starts(with: prefix) else { return nil }
        return ObjectKey(String(Substring(name.utf8.dropFirst(prefix.count))))
    }

    private func page(after: String?, limit: Int) async throws -> Page {
        // Without `encoding-type=url`: services do not agree on what `+` means in it, and no key of ours is beyond XML.
        var query: [(name: String, value: String?)] = [("list-type", "2"), ("max-keys", "\(limit)")]
        if !configuration.keyPrefix.isEmpty { query.append(("prefix", configuration.keyPrefix)) }
        if let after { query.append(("start-after", after)) }
        let document = try await client.document(S3Call("list", .GET, query: query), limit: Self.maxPageSize)
        guard document.name == "ListBucketResult" else { throw CloudErrors.s3.odd("the service's answer is not a listing", "list") }
        var page = Page(objects: [])
        for entry in document.all("Contents") {
            guard let name = entry["Key"]?.text else { throw CloudErrors.s3.odd("the service lists an entry without a key", "list") }
            page.last = name
            guard let key = key(named: name) else { continue }
            guard let size = ObjectFields.size(entry["Size"]?.text) else {
                throw CloudErrors.s3.odd("the service does not say how long the object \(key) is", "list")
            }
            let lastModified = entry["LastModified"].flatMap { Timestamp(rfc3339OrHTTPDate: $0.text) } ?? client.now
            page.objects.append(
                ObjectInfo(
                    key: key, size: size, etag: ObjectFields.quoted(entry["ETag"]?.text ?? ""), lastModified: lastModified,
                    metadata: ObjectMetadata(upstreamURL: "", stored: lastModified)))
        }
        if document["IsTruncated"]?.text != "true" { page.last = nil }
        return page
    }
}
