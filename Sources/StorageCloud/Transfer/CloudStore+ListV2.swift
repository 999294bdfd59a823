package import MirrorCore
package import MirrorStorage
import NIOHTTP1

/// One page of a listing.
struct PageV2 {
    /// Where a page begins.
    enum Start {
        /// After this name.
        case after(String)
        /// At a place that only the service knows: its "continuation token".
        case token(String)
    }

    var objects: [ObjectInfo] = []
    /// Where the next page begins; `nil` if there is none.
    var next: Start?
}

/// Lists a bucket of a service with version 2 of listings ("ListObjectsV2").
extension CloudStore {
    /// The number of objects in the longest page.
    private static var maxPage: Int { 1_000 }

    private func listCall(_ name: String, limit: Int, from start: PageV2.Start? = nil) -> Client.Call {
        // Without `encoding-type=url`: services disagree on what `+` means in it, and all our keys are valid in XML.
        var query: [(name: String, value: String?)] = [("list-type", "2"), ("max-keys", "\(limit)")]
        if !reading.keyPrefix.isEmpty { query.append(("prefix", reading.keyPrefix)) }
        switch start {
        case .after(let name): query.append(("start-after", name))
        case .token(let token): query.append(("continuation-token", token))
        case nil: break
        }
        return Client.Call(name, .GET, key: nil, query: query, headers: [], body: .none)
    }

    /// - Parameter limit: Objects; 1 to 1000.
    /// - Returns: The objects after `after`, in the order of keys.
    /// - Throws: `.invalidRequest` for another limit; `.unavailable` if the service's answers are not listings.
    package func listV2(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        guard (1...Self.maxPage).contains(limit) else { throw errors.invalid("a page has 1 to 1000 objects", "list") }
        var found: [ObjectInfo] = []
        var last = after.map(name(of:))
        var start = last.map { PageV2.Start.after($0) }
        var watch = PageWatch()
        var length = limit
        repeat {
            // 1,000 encoded keys of up to 1,024 bytes, with their fields.
            let page = try Self.page(
                try await client.document(listCall("list", limit: length, from: start), limit: 8 << 20), keyPrefix: reading.keyPrefix,
                now: client.now)
            // Sorted again, because we promise an order of keys that not every service keeps.
            let ours = page.objects.filter { info in after.map { $0.precedes(info.key) } ?? true }
            found += ours
            // Foreign objects and uploads in progress take room in pages, but do not count. Where there are many of them, pages are long.
            length = ours.isEmpty ? Self.maxPage : limit
            guard let next = page.next else { break }
            switch next {
            case .after(let name):
                guard last.map({ $0.utf8.lexicographicallyPrecedes(name.utf8) }) ?? true else {
                    throw errors.odd("the service's pages are not in order", "list")
                }
                last = name
            case .token(let token): try watch.turn(to: token, found: 0, errors)
            }
            start = next
        } while found.count < limit
        return Array(found.sorted { $0.key.precedes($1.key) }.prefix(limit))
    }

    /// Lists one object: without the permission to list, absent objects are answered with 403 instead of 404, and no pool works like that.
    ///
    /// - Parameter grant: How to give that permission.
    package func checkListingV2(grant: String) async throws {
        do {
            _ = try await client.document(listCall("checkHealth", limit: 1))
        } catch var error as StorageError
            where error.code == .permissionDenied && (error.cause as? Client.Failure)?.code == "AccessDenied"
        {
            error.message = "the credentials may not list the bucket \(client.bucket): \(grant)"
            throw error
        }
    }

    /// - Parameter now: By the service's clock: used if the service does not say when an object was written.
    static func page(_ document: XMLTree, keyPrefix: String, now: Timestamp) throws -> PageV2 {
        let errors = Client.Failure.errors
        guard document.name == "ListBucketResult" else { throw errors.odd("the service's answer is not a listing", "list") }
        var page = PageV2()
        var last: String?
        for entry in document.all("Contents") {
            guard let name = entry["Key"]?.text else { throw errors.odd("the service lists an entry without a key", "list") }
            last = name
            guard let key = ObjectKey(name, without: keyPrefix) else { continue }
            guard let size = ObjectFields.size(entry["Size"]?.text) else {
                throw errors.odd("the service does not say how long the object \(key) is", "list")
            }
            page.objects.append(
                ObjectInfo(listed: key, size: size, etag: entry["ETag"]?.text, lastModified: entry["LastModified"]?.text, now: now))
        }
        guard document["IsTruncated"]?.text == "true" else { return page }
        if let last {
            page.next = .after(last)
        } else if let token = document["NextContinuationToken"]?.text, !token.isEmpty {
            // A page of deleted objects only, which services do not list but count.
            page.next = .token(token)
        } else {
            throw errors.odd("the service lists nothing and says that there is more", "list")
        }
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
    ///
    /// - Parameter now: By the service's clock: used if the service does not say when the object was written.
    package init(listed key: ObjectKey, size: Int64, etag: String?, lastModified: String?, now: Timestamp) {
        let lastModified = lastModified.flatMap(Timestamp.init(rfc3339OrHTTPDate:)) ?? now
        self.init(
            key: key, size: size, etag: ObjectFields.quoted(etag ?? ""), lastModified: lastModified,
            metadata: ObjectMetadata(upstreamURL: "", stored: lastModified))
    }
}
