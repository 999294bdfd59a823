package import MirrorCore
package import MirrorStorage
import NIOHTTP1
import StorageCloud

extension AzureStore {
    /// The maximum size of a page in bytes: names of up to 1,024 characters, with their properties.
    private static let maxPageSize = 16 << 20
    /// The number of objects in a page in which none may be wanted. The service allows 5,000, but a document of that length has too many elements.
    private static let maxPage = 2_000

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        guard (1...1000).contains(limit) else { throw CloudErrors.azure.invalid("a page has 1 to 1000 objects", "list") }
        guard let after, let marker = markers.marker(after: after) else {
            return try await list(after: after, limit: limit, marker: nil)
        }
        do {
            return try await list(after: after, limit: limit, marker: marker)
        } catch let error as StorageError where error.code == .invalidRequest {
            // It was valid a while ago.
            markers.forget(after)
            return try await list(after: after, limit: limit, marker: nil)
        }
    }

    /// - Parameter marker: Where the page begins; `nil` for the beginning, from which earlier keys are skipped.
    private func list(after: ObjectKey?, limit: Int, marker: String?) async throws -> [ObjectInfo] {
        var found: [ObjectInfo] = []
        var marker = marker
        var isSkipping = after != nil && marker == nil
        var watch = PageWatch(from: marker)
        while true {
            let page = try await page(limit: isSkipping ? Self.maxPage : limit - found.count, marker: marker)
            let ours = page.objects.filter { info in after.map { $0.precedes(info.key) } ?? true }
            // Also over what others keep between our objects.
            isSkipping = ours.isEmpty
            found += ours
            if found.count >= limit {
                // Sorted again, because we promise the order of keys, but not every server keeps to it.
                let wanted = Array(found.sorted { $0.key.precedes($1.key) }.prefix(limit))
                // A page that was long because much had to be skipped may hold more than requested. Then the next one begins where this one began, as
                // if there were none yet.
                let next = found.count == limit ? page.next : nil
                if let last = wanted.last?.key, let begin = next ?? marker { markers.set(begin, after: last) }
                return wanted
            }
            guard let next = page.next else { return found.sorted { $0.key.precedes($1.key) } }
            try watch.turn(to: next, found: page.entries, .azure)
            marker = next
        }
    }

    struct Page {
        var objects: [ObjectInfo] = []
        /// How many entries it has, those of others included.
        var entries = 0
        /// The service's marker for the beginning of the next page; `nil` if there is none.
        var next: String?
    }

    func listCall(_ name: String, limit: Int, marker: String?) -> AzureCall {
        var query: [(name: String, value: String?)] = [("restype", "container"), ("comp", "list"), ("maxresults", "\(limit)")]
        if !configuration.reading.keyPrefix.isEmpty { query.append(("prefix", configuration.reading.keyPrefix)) }
        if let marker { query.append(("marker", marker)) }
        return AzureCall(name, .GET, .bucket, query: query)
    }

    private func page(limit: Int, marker: String?) async throws -> Page {
        let document = try await client.document(listCall("list", limit: limit, marker: marker), limit: Self.maxPageSize)
        return try Self.page(document, keyPrefix: configuration.reading.keyPrefix, now: client.now)
    }

    /// - Parameter now: The time for objects for which the service does not state one.
    /// - Throws: `.unavailable` if the answer is not a listing.
    static func page(_ document: XMLTree, keyPrefix: String, now: Timestamp) throws -> Page {
        guard document.name == "EnumerationResults", let blobs = document["Blobs"] else {
            throw CloudErrors.azure.odd("the service's answer is not a listing", "list")
        }
        var page = Page()
        for entry in blobs.all("Blob") {
            page.entries += 1
            guard let name = entry["Name"] else { throw CloudErrors.azure.odd("the service lists an entry without a name", "list") }
            // Azure Storage REST API, "List Blobs": such a name has characters that XML does not allow, and no key has any of them.
            guard name.attributes["Encoded"] != "true", let key = ObjectKey(name.text, without: keyPrefix) else {
                continue
            }
            let properties = entry["Properties"]
            guard let size = ObjectFields.size(properties?["Content-Length"]?.text) else {
                throw CloudErrors.azure.odd("the service does not say how long the object \(key) is", "list")
            }
            page.objects.append(
                ObjectInfo(
                    listed: key, size: size, etag: properties?["Etag"]?.text, lastModified: properties?["Last-Modified"]?.text,
                    now: now))
        }
        page.next = document["NextMarker"].flatMap { $0.text.isEmpty ? nil : $0.text }
        return page
    }
}
